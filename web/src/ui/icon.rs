//! Our own icons: strokes on a grid of 16.

use yew::prelude::*;

/// Which icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The reception bell: the sign of the house.
    Bell,
    /// Opens downward.
    Down,
    /// A menu.
    Menu,
    /// Light and dark.
    Sun,
    /// Help.
    Help,
    /// Links and embeds.
    Share,
    /// To the first hop.
    First,
    /// One hop back.
    Back,
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// One hop on.
    Next,
    /// To the last hop.
    Last,
    /// A new draw.
    Dice,
    /// Take back.
    Undo,
    /// Do again.
    Redo,
    /// Settings.
    Gear,
    /// Close.
    Close,
    /// ClusterIP: the dial of a phone.
    ClusterIp,
    /// NodePort: a side door.
    NodePort,
    /// LoadBalancer: a canopy on posts.
    LoadBalancer,
    /// ExternalName: a card with a point.
    ExternalName,
    /// Headless: a list in a dashed square.
    Headless,
    /// Workloads.
    Stack,
    /// A Pod.
    Room,
    /// A Node.
    Wing,
    /// Anything else.
    Sheet,
    /// The panel at the left.
    PanelLeft,
    /// The panel at the right.
    PanelRight,
    /// The panel at the foot.
    PanelFoot,
}

/// An icon; decoration only, words stand beside it.
#[component]
pub fn Icon(props: &IconProps) -> Html {
    let (solid, path) = match props.shape {
        Shape::Bell => (
            false,
            "M2 12.7h12M3.300 10.700a4.700 4.700 0 0 1 9.400 0zM8 6V4.300M6.700 4h2.600",
        ),
        Shape::Down => (false, "M4.500 6.500L8 10l3.500-3.500"),
        Shape::Menu | Shape::Stack => (false, "M2.500 4.500h11M2.500 8h11M2.500 11.500h11"),
        Shape::Sun => (
            false,
            "M11 8a3 3 0 1 1-6 0a3 3 0 1 1 6 0zM8 1.500v1.500M8 13v1.500M1.500 8H3M13 8h1.500M3.400 3.400l1 1M11.600 11.600l1 1M12.600 3.400l-1 1M4.400 11.600l-1 1",
        ),
        Shape::Help => (
            false,
            "M14.200 8a6.200 6.200 0 1 1-12.400 0a6.200 6.200 0 1 1 12.400 0zM6.200 6.300a1.900 1.900 0 1 1 2.600 1.800c-.6.3-.8.6-.8 1.200M8 11.400v.1",
        ),
        Shape::Share => (
            false,
            "M8 10V2M5 4.600L8 1.800l3 2.800M3.500 7.500H2.500v6.500h11V7.500h-1",
        ),
        Shape::First => (true, "M3 3h2v10H3zM13 3v10L6 8z"),
        Shape::Back => (true, "M11.500 3v10L4 8z"),
        Shape::Play => (true, "M4 2.500v11L13.500 8z"),
        Shape::Pause => (true, "M4 3h3v10H4zM9 3h3v10H9z"),
        Shape::Next => (true, "M4.500 3v10L12 8z"),
        Shape::Last => (true, "M11 3h2v10h-2zM3 3v10l7-5z"),
        Shape::Dice => (
            false,
            "M3.500 2.500h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1zM5.500 5.500v.1M8 8v.1M10.500 10.500v.1M10.500 5.500v.1M5.500 10.500v.1",
        ),
        Shape::Undo => (false, "M6 3L3 6l3 3M3 6h6a3.500 3.500 0 0 1 0 7H6"),
        Shape::Redo => (false, "M10 3l3 3l-3 3M13 6H7a3.500 3.500 0 0 0 0 7h3"),
        Shape::Gear => (
            false,
            "M2.500 4.500h6M11.500 4.500h2M2.500 11.500h2M7.500 11.500h6M11.500 4.500a1.500 1.500 0 1 1-3 0a1.500 1.500 0 1 1 3 0zM7.500 11.500a1.500 1.500 0 1 1-3 0a1.500 1.500 0 1 1 3 0z",
        ),
        Shape::Close => (false, "M4 4l8 8M12 4l-8 8"),
        Shape::ClusterIp => (
            false,
            "M13.800 8a5.800 5.800 0 1 1-11.600 0a5.800 5.800 0 1 1 11.600 0zM10 8a2 2 0 1 1-4 0a2 2 0 1 1 4 0z",
        ),
        Shape::NodePort => (false, "M4 14V7a4 4 0 0 1 8 0v7zM10 10.500v.1"),
        Shape::LoadBalancer => (
            false,
            "M1.500 6.500L4 3h8l2.500 3.500zM3.500 6.500V13.500M12.500 6.500V13.500M8 6.500v7",
        ),
        Shape::ExternalName => (false, "M2 4h9l3 4-3 4H2z"),
        Shape::Headless => (
            false,
            "M2.500 5V2.500H5M7 2.500h2M11 2.500h2.500V5M13.500 7v2M13.500 11v2.500H11M9 13.500H7M5 13.500H2.500V11M2.500 9V7M5.500 6h5M5.500 8h5M5.500 10h5",
        ),
        Shape::Room => (false, "M3 3.500h10v9H3zM8 3.500v9M3 8h10"),
        Shape::Wing => (false, "M2.500 4h11v8h-11zM5 4v8M11 4v8"),
        Shape::PanelLeft => (false, "M2 3h12v10H2zM6 3v10M4 5.500v.1M4 8v.1"),
        Shape::PanelRight => (false, "M2 3h12v10H2zM10 3v10M12 5.500v.1M12 8v.1"),
        Shape::PanelFoot => (false, "M2 3h12v10H2zM2 9.500h12M4 11.300h2"),
        Shape::Sheet => (false, "M4 2.500h6l2.500 2.500v8.500H4zM6 7h4M6 9.500h4"),
    };
    html! {
        <svg class={classes!("ic", solid.then_some("solid"))} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d={path} />
        </svg>
    }
}

/// Properties of [`Icon`].
#[derive(Clone, PartialEq, Properties)]
pub struct IconProps {
    /// Which one.
    pub shape: Shape,
}
