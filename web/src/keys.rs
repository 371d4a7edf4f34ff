//! The keys, once: the same table binds them and explains them.

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send the packet.
    Send,
    /// Go back one hop.
    Back,
    /// Go on one hop.
    Next,
    /// Go to the first hop.
    First,
    /// Go to the last hop.
    Last,
    /// Play or pause.
    Play,
    /// Let go of what is pinned.
    Release,
    /// Take the last step back.
    Undo,
    /// Do it again.
    Redo,
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere on the page.
    Page,
    /// While the picture or the transport has the focus.
    Journey,
}

/// One row of the table.
pub struct Binding {
    /// `KeyboardEvent.key`.
    pub key: &'static str,
    /// Whether Ctrl (or Cmd) is held.
    pub control: bool,
    /// As people read it.
    pub name: &'static str,
    /// Where it works.
    pub scope: Scope,
    /// What it does.
    pub command: Command,
    /// What it does, in words.
    pub says: &'static str,
}

const fn key(
    key: &'static str,
    name: &'static str,
    scope: Scope,
    command: Command,
    says: &'static str,
) -> Binding {
    Binding {
        key,
        control: false,
        name,
        scope,
        command,
        says,
    }
}

/// All keys of the page. The editor's own come from CodeMirror.
pub const TABLE: &[Binding] = &[
    Binding {
        key: "Enter",
        control: true,
        name: "Ctrl Enter",
        scope: Scope::Page,
        command: Command::Send,
        says: "send the packet",
    },
    Binding {
        key: "z",
        control: true,
        name: "Ctrl Z",
        scope: Scope::Page,
        command: Command::Undo,
        says: "take back what was done to the cluster last; in a text, what was typed",
    },
    Binding {
        key: "Z",
        control: true,
        name: "Ctrl Shift Z",
        scope: Scope::Page,
        command: Command::Redo,
        says: "do it again",
    },
    key(
        "Escape",
        "Escape",
        Scope::Page,
        Command::Release,
        "let go of what is pinned; close what is open",
    ),
    key(" ", "Space", Scope::Journey, Command::Play, "play or pause"),
    key("ArrowRight", "→", Scope::Journey, Command::Next, "next hop"),
    key(
        "ArrowLeft",
        "←",
        Scope::Journey,
        Command::Back,
        "hop before",
    ),
    key("Home", "Home", Scope::Journey, Command::First, "first hop"),
    key("End", "End", Scope::Journey, Command::Last, "last hop"),
];

/// What a key does in a scope.
#[must_use]
pub fn command(scope: Scope, key: &str, control: bool) -> Option<Command> {
    TABLE
        .iter()
        .find(|binding| binding.scope == scope && binding.key == key && binding.control == control)
        .map(|binding| binding.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_one_thing_in_a_scope() {
        for (index, one) in TABLE.iter().enumerate() {
            for other in &TABLE[index + 1..] {
                assert!(
                    one.scope != other.scope
                        || one.key != other.key
                        || one.control != other.control,
                    "{} is bound twice",
                    one.name
                );
            }
        }
    }

    #[test]
    fn keys_are_found_in_their_scope_only() {
        assert_eq!(
            command(Scope::Journey, "ArrowLeft", false),
            Some(Command::Back)
        );
        assert_eq!(command(Scope::Page, "ArrowLeft", false), None);
        assert_eq!(command(Scope::Page, "Enter", false), None);
        assert_eq!(command(Scope::Page, "Enter", true), Some(Command::Send));
    }
}
