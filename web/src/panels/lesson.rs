//! The open lesson: its steps, what to predict, what to try, the task with its check, hints one by
//! one, the solution when it is asked for, and what people say, put to the test.

use std::rc::Rc;

use lobby_engine::lesson::markup::{self, Block, Inline};
use lobby_engine::lesson::{Action, Deed, Lesson as Data, MythVerdict, Predict, Step};
use yew::prelude::*;

use crate::session::Session;
use crate::state::{Checked, Course, CourseAction, Fetched, FrameAction, Open, Pasted};
use crate::ui::{Icon, Shape};

/// Properties of [`Lesson`].
#[derive(Clone, PartialEq, Properties)]
pub struct LessonProps {
    /// The course.
    pub course: Course,
    /// Changes when the world does: values in texts are of the world.
    pub world: crate::world::Same<crate::world::World>,
}

/// The answer of one who wants to be shown.
const SHOWN: usize = usize::MAX;

/// The panel.
#[component]
pub fn Lesson(props: &LessonProps) -> Html {
    let Some(session) = use_context::<Session>() else {
        return Html::default();
    };
    let course = &props.course;
    html! {
        <section class="lesson" aria-labelledby="lesson-title">
            if let Some(pasted) = &course.pasted {
                { preview(pasted, &session) }
            }
            if let Some(title) = &course.coming {
                <div class="phead"><h2 id="lesson-title">{ "Lesson" }</h2></div>
                <p class="empty-note" role="status">{ title.as_ref() }{ " is being set up." }</p>
            } else if let Some(why) = &course.refusal {
                <div class="phead"><h2 id="lesson-title">{ "Lesson" }</h2><span class="grow"></span>{ close(&session) }</div>
                <p class="notice bad" role="alert">{ why.as_ref() }</p>
            } else if let Some(open) = &course.open {
                { lesson(course, open, &session) }
            } else {
                <div class="phead"><h2 id="lesson-title">{ "Lesson" }</h2></div>
            }
        </section>
    }
}

fn act(session: &Session, act: impl Fn(&Session) + 'static) -> Callback<MouseEvent> {
    let session = session.clone();
    Callback::from(move |_| act(&session))
}

fn close(session: &Session) -> Html {
    let onclick = act(session, |session| session.dispatch(CourseAction::Close));
    html! {
        <button type="button" class="icb" aria-label="Close the lesson" {onclick}><Icon shape={Shape::Close} /></button>
    }
}

/// A lesson in the editor's text.
fn preview(pasted: &Rc<Pasted>, session: &Session) -> Html {
    let begin = {
        let pasted = pasted.clone();
        act(session, move |session| {
            if let Some(lesson) = &pasted.lesson {
                session.begin_lesson(lesson, Some(pasted.text.clone()));
            }
        })
    };
    html! {
        <div class="notice offer">
            if pasted.lesson.is_some() {
                <p>{ "This text is a lesson, and it can be read." }</p>
                <button type="button" class="btn sm primary" onclick={begin}>{ "Preview the lesson" }</button>
            } else {
                <div class="grow">
                <p>{ "This text is a lesson, but something is wrong in it:" }</p>
                <ul class="lesson-errors">
                { for pasted.diagnostics.iter().map(|found| {
                    let place = found.span.map(|span| (span.start.line, span.start.column));
                    let go = act(session, move |session| {
                        if let Some((line, column)) = place {
                            session.dispatch(FrameAction::GoTo(line, column));
                        }
                    });
                    let field = found.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default();
                    html! {
                        <li>
                            <button type="button" class="link" onclick={go}>
                                { place.map_or_else(|| "the text".to_owned(), |(line, _)| format!("line {line}")) }
                            </button>
                            { ": " }{ field }{ &found.message }
                            if let Some(hint) = &found.hint { <i>{ " " }{ hint }</i> }
                        </li>
                    }
                }) }
                </ul>
                </div>
            }
        </div>
    }
}

fn lesson(course: &Course, open: &Rc<Open>, session: &Session) -> Html {
    let data = &open.lesson;
    let count = data.steps.len();
    let steps = (0..=count).map(|index| {
        let name = match data.steps.get(index) {
            Some(step) => format!("Step {} of {count}: {}", index + 1, step.title),
            None => "The task".to_owned(),
        };
        let label = if index == count { "Task".to_owned() } else { (index + 1).to_string() };
        let current = (index == open.at).then_some("step");
        let onclick = act(session, move |session| session.dispatch(CourseAction::Go(index)));
        html! {
            <li key={index}>
                <button type="button" class="lesson-dot" aria-label={name.clone()} title={name} aria-current={current} {onclick}>{ label }</button>
            </li>
        }
    });
    let place = course
        .place()
        .map(|(at, of)| format!("Lesson {} of {of}", at + 1));
    let is_done = course.done.contains(&data.id);
    let again = {
        let open = open.clone();
        act(session, move |session| {
            session.begin_lesson(&open.lesson, open.source.clone())
        })
    };
    let back_to_text = open.source.clone().map(|source| {
        let back = act(session, move |session| {
            session.dispatch(CourseAction::Close);
            session.write(&source);
        });
        html! { <button type="button" class="btn sm" onclick={back}>{ "Back to the lesson's text" }</button> }
    });
    html! {
        <>
            <div class="phead lesson-head">
                <h2 id="lesson-title">
                    <span class="lesson-place">{ place.unwrap_or_else(|| "Preview".to_owned()) }
                        if is_done { <span class="mark ok">{ "done" }</span> }
                    </span>
                    { &data.title }
                </h2>
                <span class="grow"></span>
                { close(session) }
            </div>
            <div class="lesson-nav">
                <nav aria-label="Steps of the lesson"><ol class="lesson-steps">{ for steps }</ol></nav>
                <button type="button" class="btn sm plain" onclick={again}>{ "Start again" }</button>
            </div>
            // Another step is another element: the focus and what is open in one stays its own.
            <div class="lesson-body" key={format!("{}-{}", data.id, open.at)}>
                if open.at == 0 {
                    <p class="lesson-idea">{ &data.teaches }</p>
                    { back_to_text }
                }
                if let Some(step) = data.steps.get(open.at) {
                    { step_view(open, step, session) }
                } else {
                    { task_view(course, open, session) }
                }
                if let Some(why) = &open.refusal {
                    <p class="notice bad" role="alert">{ why.as_ref() }</p>
                }
            </div>
        </>
    }
}

/// A text of the lesson with the values of the world, as elements.
fn told(text: &str, session: &Session) -> Html {
    let text = session.told(text);
    html! {
        <>
        { for markup::read(&text).into_iter().map(|block| match block {
            Block::Paragraph(inlines) => html! { <p>{ inline(inlines) }</p> },
            Block::List(items) => html! {
                <ul>{ for items.into_iter().map(|item| html! { <li>{ inline(item) }</li> }) }</ul>
            },
            // A line may be wider than the panel: it scrolls, and so can be reached by a key.
            Block::Code(code) => html! { <pre tabindex="0" role="region" aria-label="Code"><code>{ code }</code></pre> },
        }) }
        </>
    }
}

/// A text of one line.
fn told_line(text: &str, session: &Session) -> Html {
    inline(markup::inlines(session.told(text).trim()))
}

fn inline(inlines: Vec<Inline>) -> Html {
    html! {
        <>
        { for inlines.into_iter().map(|piece| match piece {
            Inline::Text(text) => html! { { text } },
            Inline::Code(code) => html! { <code>{ code }</code> },
            Inline::Emphasis(text) => html! { <em>{ text }</em> },
            Inline::Strong(text) => html! { <strong>{ text }</strong> },
            Inline::Link { text, url } => html! { <a href={url} target="_blank" rel="noopener noreferrer">{ text }</a> },
        }) }
        </>
    }
}

fn step_view(open: &Rc<Open>, step: &Step, session: &Session) -> Html {
    let answer = open.answers.get(open.at).copied().flatten();
    // What is to be predicted is not shown before.
    let may_try = step.predict.is_none() || answer.is_some();
    let look = step.highlight.clone().map(|highlight| {
        let onclick = act(session, move |session| session.look_at(&highlight));
        html! { <button type="button" class="btn sm" {onclick}>{ "Show me where" }</button> }
    });
    let check = (!step.check.is_empty() && may_try).then(|| {
        let checks = step.check.clone();
        let onclick = act(session, move |session| session.check_lesson(&checks, false));
        html! { <button type="button" class="btn sm" {onclick}>{ "Check this step" }</button> }
    });
    html! {
        <>
            <h3>{ &step.title }</h3>
            { told(&step.text, session) }
            if let Some(predict) = &step.predict {
                { predict_view(predict, answer, session) }
            }
            if may_try && !step.try_.is_empty() {
                { actions(&step.try_, "Try", session) }
            }
            <div class="lesson-buttons">{ look }{ check }</div>
            { checked(open.checked.as_ref(), "It is so.") }
            { around(open, session) }
        </>
    }
}

/// Back and on.
fn around(open: &Rc<Open>, session: &Session) -> Html {
    let at = open.at;
    let last = open.lesson.steps.len();
    let back = act(session, move |session| {
        session.dispatch(CourseAction::Go(at.saturating_sub(1)))
    });
    let on = act(session, move |session| {
        session.dispatch(CourseAction::Go(at + 1))
    });
    html! {
        <div class="lesson-around">
            <button type="button" class="btn" disabled={at == 0} onclick={back}>{ "Back" }</button>
            if at < last {
                <button type="button" class="btn primary" onclick={on}>
                    { if at + 1 == last { "To the task" } else { "Next step" } }
                </button>
            }
        </div>
    }
}

fn predict_view(predict: &Predict, answer: Option<usize>, session: &Session) -> Html {
    let right = (predict.right as usize).wrapping_sub(1);
    let choices = predict.answers.iter().enumerate().map(|(index, text)| {
        let onchange = {
            let session = session.clone();
            Callback::from(move |_: Event| session.dispatch(CourseAction::Answer(index)))
        };
        let class = match answer {
            Some(given) if given == index && index != right => "wrong",
            Some(_) if index == right => "right",
            _ => "",
        };
        html! {
            <label key={index} class={classes!("lesson-answer", class)}>
                <input type="radio" name="lesson-prediction" checked={answer == Some(index)} {onchange} />
                <span>{ told_line(text, session) }
                    if class == "right" { <b>{ " — right" }</b> } else if class == "wrong" { <b>{ " — not so" }</b> }
                </span>
            </label>
        }
    });
    let show = act(session, |session| {
        session.dispatch(CourseAction::Answer(SHOWN))
    });
    html! {
        <fieldset class="lesson-predict">
            <legend>{ told_line(&predict.ask, session) }</legend>
            { for choices }
            <div role="status">
            if answer.is_some() {
                { told(&predict.because, session) }
            }
            </div>
            if answer.is_none() {
                <button type="button" class="link" onclick={show}>{ "Show me without a guess" }</button>
            }
        </fieldset>
    }
}

/// Things to do, each with its button.
fn actions(actions: &[Action], verb: &'static str, session: &Session) -> Html {
    html! {
        <ul class="lesson-actions">
        { for actions.iter().map(|action| {
            let onclick = {
                let action = action.clone();
                act(session, move |session| session.perform(&action))
            };
            let (what, shown) = match &action.what {
                Deed::Run(line) => ("line", html! { <code>{ session.told(line.trim()) }</code> }),
                Deed::Edit { find, with } => ("edit", html! {
                    <div class="lesson-edit">
                        <pre class="old"><span class="vh">{ "instead of " }</span><code>{ find.trim_end() }</code></pre>
                        <pre class="new"><span class="vh">{ "write " }</span><code>{ with.trim_end() }</code></pre>
                    </div>
                }),
                Deed::Append(text) => ("edit", html! {
                    <pre class="new"><span class="vh">{ "add " }</span><code>{ text.trim_end() }</code></pre>
                }),
                Deed::Manifests(text) => ("edit", html! { <pre class="new"><code>{ text.trim_end() }</code></pre> }),
            };
            html! {
                <li class={what}>
                    { shown }
                    <button type="button" class="btn sm" {onclick}>
                        { verb }<span class="vh">{ if what == "line" { " this line" } else { " this edit" } }</span>
                    </button>
                </li>
            }
        }) }
        </ul>
    }
}

/// What the last check found. A live region, so that it is read out.
fn checked(checked: Option<&Checked>, praise: &'static str) -> Html {
    html! {
        <div role="status" class="lesson-checked">
        { match checked {
            None => Html::default(),
            Some(Checked::Holds) => html! { <p class="mark ok">{ praise }</p> },
            Some(Checked::Differs(difference)) => html! {
                <div class="lesson-difference">
                    <p><b>{ "Expected " }</b>{ &difference.expected }</p>
                    <p><b>{ "There is " }</b>{ &difference.found }</p>
                    if !difference.hint.is_empty() { <p>{ inline(markup::inlines(&difference.hint)) }</p> }
                </div>
            },
        } }
        </div>
    }
}

fn task_view(course: &Course, open: &Rc<Open>, session: &Session) -> Html {
    let data = &open.lesson;
    let check = {
        let open = open.clone();
        act(session, move |session| {
            session.check_lesson(&open.lesson.goal, true)
        })
    };
    let hint = act(session, |session| session.dispatch(CourseAction::Hint));
    let solution = act(session, |session| session.dispatch(CourseAction::Solution));
    let is_done = course.done.contains(&data.id);
    let next = match (&course.index, course.place()) {
        (Fetched::There(index), Some((at, _))) => index.lessons.get(at + 1).cloned(),
        _ => None,
    };
    html! {
        <>
            <h3>{ "The task" }</h3>
            { told(&data.task, session) }
            <div class="lesson-buttons">
                <button type="button" class="btn primary" onclick={check}>{ "Check" }</button>
                if open.hints < data.hints.len() {
                    <button type="button" class="btn sm" onclick={hint}>
                        { format!("Hint {} of {}", open.hints + 1, data.hints.len()) }
                    </button>
                }
                if !open.solution {
                    <button type="button" class="btn sm" onclick={solution}>{ "Show a solution" }</button>
                }
            </div>
            { checked(open.checked.as_ref(), "Done: the goal is met.") }
            <div role="status">
            if open.hints > 0 {
                <ul class="lesson-hints">
                { for data.hints.iter().take(open.hints).map(|hint| html! { <li>{ told_line(hint, session) }</li> }) }
                </ul>
            }
            </div>
            if open.solution {
                <h4>{ "A solution" }</h4>
                { actions(&data.solution, "Do", session) }
            }
            if is_done {
                if let Some(next) = next {
                    { next_view(&next, session) }
                }
            }
            { claims(data, session) }
            if !data.breaks.is_empty() {
                <h4>{ "Where the hotel breaks" }</h4>
                { told(&data.breaks, session) }
            }
            if !data.read.is_empty() {
                <h4>{ "Read on" }</h4>
                <ul class="lesson-read">
                { for data.read.iter().map(|link| html! {
                    <li><a href={link.url.clone()} target="_blank" rel="noopener noreferrer">{ &link.title }</a></li>
                }) }
                </ul>
            }
            { around(open, session) }
        </>
    }
}

fn next_view(next: &lobby_engine::lesson::Entry, session: &Session) -> Html {
    let file = next.file.clone();
    let onclick = act(session, move |session| session.open_lesson(&file));
    html! {
        <p><button type="button" class="btn primary" {onclick}>{ "Next lesson: " }{ &next.title }</button></p>
    }
}

/// What people say, each put to the test when it is asked for.
fn claims(data: &Rc<Data>, session: &Session) -> Html {
    if data.myths.is_empty() {
        return Html::default();
    }
    html! {
        <>
            <h4>{ "People say" }</h4>
            { for data.myths.iter().enumerate().map(|(index, _)| html! {
                <Claim key={format!("{}-{index}", data.id)} lesson={data.clone()} {index} session={session.clone()} />
            }) }
        </>
    }
}

/// Properties of [`Claim`].
#[derive(Clone, PartialEq, Properties)]
struct ClaimProps {
    lesson: Rc<Data>,
    index: usize,
    session: Session,
}

/// A sentence that one hears. Its test runs in a lab of its own; the present one stays as it is.
#[component]
fn Claim(props: &ClaimProps) -> Html {
    let tested = use_state(|| None::<Result<(), String>>);
    let Some(myth) = props.lesson.myths.get(props.index) else {
        return Html::default();
    };
    let test = {
        let (tested, lesson, index) = (tested.setter(), props.lesson.clone(), props.index);
        Callback::from(move |_: MouseEvent| tested.set(Some(lesson.test_claim(index))))
    };
    let verdict = match myth.verdict {
        MythVerdict::Wrong => html! { <span class="mark bad">{ "not so" }</span> },
        MythVerdict::Partly => html! { <span class="mark warn">{ "in part" }</span> },
        MythVerdict::Right => html! { <span class="mark ok">{ "so it is" }</span> },
    };
    html! {
        <div class="lesson-claim">
            <p class="lesson-said">{ "“" }{ &myth.claim }{ "”" }</p>
            if tested.is_none() {
                <button type="button" class="btn sm" onclick={test}>
                    { "Put it to the test" }<span class="vh">{ ": " }{ &myth.claim }</span>
                </button>
            }
            <div role="status">
            { match &*tested {
                None => Html::default(),
                Some(Ok(())) => html! { <>
                    <p>{ verdict }</p>
                    { told(&myth.truth, &props.session) }
                    <p class="quiet">{ "Tested just now, in a fresh lab of this lesson." }</p>
                </> },
                Some(Err(why)) => html! { <p class="notice bad">{ "The test went otherwise: " }{ why }</p> },
            } }
            </div>
        </div>
    }
}
