//! The list of lessons in the bar at the top.

use yew::prelude::*;

use crate::session::Session;
use crate::state::{Course, CourseAction, Fetched};

/// Properties of [`LessonList`].
#[derive(Clone, PartialEq, Properties)]
pub struct LessonListProps {
    /// The course.
    pub course: Course,
    /// A lesson was chosen.
    pub onchoose: Callback<()>,
}

/// The lessons, in their order, with their marks. Fetched when it is first shown.
#[component]
pub fn LessonList(props: &LessonListProps) -> Html {
    let session = use_context::<Session>();
    use_effect_with((), {
        let session = session.clone();
        move |()| {
            if let Some(session) = session {
                session.list_lessons();
            }
        }
    });
    let Some(session) = session else {
        return Html::default();
    };
    let course = &props.course;
    let open = course.open.as_ref().map(|open| open.lesson.id.as_str());
    match &course.index {
        Fetched::Not | Fetched::Coming => {
            html! { <p role="status" class="empty-note">{ "The lessons are on their way." }</p> }
        }
        Fetched::Failed(why) => {
            let again = Callback::from(move |_: MouseEvent| session.list_lessons());
            html! {
                <div class="notice bad" role="alert">
                    <p>{ why.as_ref() }</p>
                    <button type="button" class="btn sm" onclick={again}>{ "Try again" }</button>
                </div>
            }
        }
        Fetched::There(index) => {
            let items = index.lessons.iter().map(|entry| {
                let (session, file, chosen) = (session.clone(), entry.file.clone(), props.onchoose.clone());
                let onclick = Callback::from(move |_: MouseEvent| {
                    chosen.emit(());
                    session.open_lesson(&file);
                });
                html! {
                    <li key={entry.id.clone()}>
                        <button type="button" class="example" {onclick}
                            aria-current={(open == Some(entry.id.as_str())).then_some("true")}>
                            <b>{ &entry.title }
                                if course.done.contains(&entry.id) { <span class="mark ok">{ "done" }</span> }
                            </b>
                            <span>{ &entry.teaches }</span>
                        </button>
                    </li>
                }
            });
            let count = index
                .lessons
                .iter()
                .filter(|entry| course.done.contains(&entry.id))
                .count();
            let forget = {
                let session = session.clone();
                Callback::from(move |_: MouseEvent| session.dispatch(CourseAction::Forget))
            };
            html! {
                <>
                <ol class="examples lessons">{ for items }</ol>
                <p class="lessons-foot">
                    { format!("{count} of {} done.", index.lessons.len()) }
                    if count > 0 {
                        <button type="button" class="btn sm" onclick={forget}>{ "Clear my marks" }</button>
                    }
                </p>
                </>
            }
        }
    }
}
