//! A form whose text outlives a sign-in.

use leptos::html::Form;
use leptos::prelude::*;

/// Keeps what is typed into the form when the person leaves by a sign-in link, and puts it back when they return; fields
/// are found by their `name`. `name` is the form's own, once a page. Says whether something was put back.
///
/// It is for who was signed in when the page was opened: of anybody else nothing is kept.
pub fn use_draft(name: &'static str, form: NodeRef<Form>) -> RwSignal<bool> {
    let is_restored = RwSignal::new(false);
    #[cfg(not(feature = "ssr"))]
    in_browser::follow(name, form, is_restored);
    #[cfg(feature = "ssr")]
    let _ = (name, form);
    is_restored
}

#[cfg(not(feature = "ssr"))]
mod in_browser {
    use leptos::ev;
    use leptos::html::Form;
    use leptos::prelude::*;
    use leptos::wasm_bindgen::JsCast as _;
    use leptos_router::hooks::use_location;
    use web_sys::{Element, HtmlFormElement, HtmlInputElement, HtmlTextAreaElement};

    use crate::auth::use_session;
    use crate::drafts::rules::may_be_kept;
    use crate::drafts::store::{keep_draft, take_draft};

    pub(super) fn follow(name: &'static str, form: NodeRef<Form>, restored: RwSignal<bool>) {
        let Some(owner) = use_session().owner() else {
            return;
        };
        let key = format!("{}#{name}", use_location().pathname.get_untracked());
        let (key_, owner_) = (key.clone(), owner.clone());
        Effect::new(move |is_done: Option<bool>| {
            let Some(form) = form.get().filter(|_| is_done != Some(true)) else {
                return is_done.unwrap_or_default();
            };
            if let Some(fields) = take_draft(&key_, &owner_) {
                restored.set(put_back(&form, &fields));
            }
            true
        });
        let leaving = window_event_listener(ev::click, move |event| {
            let link = event
                .target()
                .and_then(|target| target.dyn_into::<Element>().ok())
                .and_then(|element| element.closest("a[href^='/auth/login']").ok().flatten());
            if let (Some(_), Some(form)) = (link, form.get_untracked()) {
                let fields: Vec<_> = fields(&form)
                    .into_iter()
                    .map(|field| (field.name(), field.value()))
                    .filter(|(_, value)| !value.is_empty())
                    .collect();
                if !fields.is_empty() {
                    keep_draft(&key, &owner, &fields);
                }
            }
        });
        on_cleanup(move || leaving.remove());
    }

    /// What a person types into.
    enum Field {
        Line(HtmlInputElement),
        Lines(HtmlTextAreaElement),
    }

    impl Field {
        fn of(element: Element) -> Option<Self> {
            let field = match element.dyn_into::<HtmlInputElement>() {
                Ok(line) => {
                    may_be_kept(&line.type_(), &line.autocomplete()).then_some(Self::Line(line))
                }
                Err(other) => other
                    .dyn_into::<HtmlTextAreaElement>()
                    .ok()
                    .filter(|lines| may_be_kept("textarea", &lines.autocomplete()))
                    .map(Self::Lines),
            };
            field.filter(|field| !field.name().is_empty())
        }

        fn name(&self) -> String {
            match self {
                Self::Line(line) => line.name(),
                Self::Lines(lines) => lines.name(),
            }
        }

        fn value(&self) -> String {
            match self {
                Self::Line(line) => line.value(),
                Self::Lines(lines) => lines.value(),
            }
        }

        fn set_value(&self, value: &str) {
            match self {
                Self::Line(line) => line.set_value(value),
                Self::Lines(lines) => lines.set_value(value),
            }
        }
    }

    fn fields(form: &HtmlFormElement) -> Vec<Field> {
        let elements = form.elements();
        (0..elements.length())
            .filter_map(|at| elements.item(at))
            .filter_map(Field::of)
            .collect()
    }

    /// Whether anything was: what was typed meanwhile is not written over.
    fn put_back(form: &HtmlFormElement, kept: &[(String, String)]) -> bool {
        let mut is_any = false;
        for field in fields(form) {
            let value = kept.iter().find(|(name, _)| *name == field.name());
            if let Some((_, value)) = value.filter(|_| field.value().is_empty()) {
                field.set_value(value);
                is_any = true;
            }
        }
        is_any
    }
}
