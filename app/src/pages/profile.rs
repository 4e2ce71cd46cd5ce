//! What the provider says of the person who is signed in. The claims come from a server function that asks for the
//! session itself: the guard around the page only spares a visitor an empty one.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::auth::{AuthError, my_claims, use_session};
use crate::claims::Shown;
use crate::components::guard::RequireSession;

/// `/profile`
#[component]
pub fn Profile() -> impl IntoView {
    view! {
        <RequireSession>
            <Claims/>
        </RequireSession>
    }
}

#[component]
fn Claims() -> impl IntoView {
    let session = use_session();
    let claims = Resource::new_blocking(|| (), |()| my_claims());
    // The session ended somewhere else since this page was made: `RequireSession` then leads to sign in.
    Effect::new(move || {
        if matches!(claims.get(), Some(Err(AuthError::SignedOut))) {
            session.forget();
        }
    });
    view! {
        <Title text="Your profile"/>
        <section class="page">
            <h1>"Your profile"</h1>
            <p class="lead">"This is what your sign-in service told this application about you."</p>
            <Suspense fallback=|| view! { <p class="waiting">"One moment …"</p> }>
                {move || Suspend::new(async move {
                    match claims.await {
                        Ok(claims) => view! { <Table claims/> }.into_any(),
                        Err(error) => view! { <Failed error/> }.into_any(),
                    }
                })}
            </Suspense>
        </section>
    }
}

#[component]
fn Table(claims: Vec<(String, Shown)>) -> impl IntoView {
    let rows = claims
        .into_iter()
        .map(|(name, value)| {
            view! {
                <tr data-claim=name.clone()>
                    <th scope="row">{name.clone()}</th>
                    <td>{show(value)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="claims">
            <thead>
                <tr>
                    <th scope="col">"Claim"</th>
                    <th scope="col">"Value"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn show(value: Shown) -> AnyView {
    match value {
        Shown::Text(text) => text.into_any(),
        Shown::Nothing => view! { <span class="nothing">"empty"</span> }.into_any(),
        Shown::List(values) => {
            let items = values
                .into_iter()
                .map(|value| view! { <li>{show(value)}</li> })
                .collect_view();
            view! { <ul class="values">{items}</ul> }.into_any()
        }
        Shown::Parts(parts) => {
            let items = parts
                .into_iter()
                .map(|(name, value)| view! { <dt>{name}</dt><dd>{show(value)}</dd> })
                .collect_view();
            view! { <dl class="parts">{items}</dl> }.into_any()
        }
    }
}

#[component]
fn Failed(error: AuthError) -> impl IntoView {
    view! {
        <div class="notice" role="alert">
            <p>{error.text()}</p>
            <p><a rel="external" href="/profile">"Try again"</a></p>
        </div>
    }
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use leptos::prelude::*;
    use serde_json::{Value, json};

    use super::{Table, TableProps};
    use crate::claims::in_order;

    fn rendered(claims: &Value) -> String {
        let claims = in_order(claims.as_object().expect("an object"));
        Owner::new().with(|| Table(TableProps { claims }).to_html())
    }

    #[test]
    fn a_claim_is_a_row_that_names_itself() {
        let html = rendered(&json!({"email": "ada@example.test", "groups": ["everyone", "staff"]}));
        assert!(html.contains("<tr data-claim=\"email\">"), "{html}");
        assert!(html.contains("<th scope=\"row\">email"), "{html}");
        assert!(
            html.contains("<li>everyone") && html.contains("<li>staff"),
            "{html}"
        );
    }

    #[test]
    fn what_a_provider_says_is_text_and_never_markup() {
        let html = rendered(&json!({
            "\"><img src=x>": "<script>alert(1)</script>",
            "address": {"<b>": ["</table><script>"]},
        }));
        assert!(
            !html.contains("<script") && !html.contains("<img") && !html.contains("<b>"),
            "{html}"
        );
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }
}
