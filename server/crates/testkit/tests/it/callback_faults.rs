//! Every fault of the authorization response does what it says: the table is walked, and a fault that nobody looks at fails.

use cloakroom_testkit::{Effect, Fault, Needs, Response};

use crate::relying_party::*;

/// The provider's answer under a fault, and the parameters in its query.
async fn answer(fault: &Fault) -> (Response, Vec<(String, String)>) {
    let (provider, browser) = provider().await;
    provider.set_fault(fault.clone());
    let answer = authorize(&browser, &authorization_request()).await;
    provider.assert_clean();
    let location = answer.location();
    let params = location.map(|location| location.query_pairs().into_owned().collect());
    (answer, params.unwrap_or_default())
}

#[tokio::test]
async fn every_fault_of_the_authorization_response_does_what_it_says() {
    for fault in Fault::every() {
        if fault.effect() != Effect::RefusedAtCallback || fault.needs() == Needs::FormPost {
            continue;
        }
        let (answer, params) = answer(&fault).await;
        let values = |name: &str| -> Vec<&str> {
            let named = params.iter().filter(|(known, _)| known == name);
            named.map(|(_, value)| value.as_str()).collect()
        };
        let attacker = "https://attacker.example/oauth2/default";
        let (code, state) = (values("code").len(), values("state"));
        match &fault {
            Fault::AccessDenied { description } => {
                assert_eq!((values("error"), code), (vec!["access_denied"], 0));
                assert_eq!(values("error_description"), [description]);
            }
            Fault::AuthorizationError(error) => assert_eq!(values("error"), [error]),
            Fault::ErrorWithoutIss => {
                assert_eq!(
                    (values("error"), values("iss").len()),
                    (vec!["access_denied"], 0)
                );
            }
            Fault::ErrorWrongIss => {
                assert_eq!(
                    (values("error"), values("iss")),
                    (vec!["access_denied"], vec![attacker])
                );
            }
            Fault::DropState => assert_eq!((state.len(), code), (0, 1)),
            Fault::AlterState => assert!(state[0] != STATE && state[0].len() == STATE.len()),
            Fault::ResponseWrongIss => assert_eq!((values("iss"), code), (vec![attacker], 1)),
            Fault::ResponseMissingIss => assert_eq!((values("iss").len(), code), (0, 1)),
            Fault::RepeatCode => assert_eq!(code, 2),
            Fault::RepeatState => assert_eq!((state, code), (vec![STATE, STATE], 1)),
            Fault::RepeatIss => assert_eq!((values("iss").len(), code), (2, 1)),
            Fault::CodeAndError => assert_eq!((code, values("error").len()), (1, 1)),
            Fault::EmptyCode => assert_eq!(values("code"), [""]),
            Fault::NoCode => assert_eq!((code, values("error").len(), state), (0, 0, vec![STATE])),
            Fault::HugeCode => assert_eq!(values("code")[0].len(), 65_536),
            Fault::NonUtf8Code => {
                assert!(answer.header("location").unwrap().contains("code=%FF%FE"));
            }
            Fault::FragmentResponse => {
                let location = answer.location().unwrap();
                assert!(
                    location.query().is_none() && location.fragment().unwrap().contains("code=")
                );
            }
            Fault::FormPostUnasked => {
                assert!(answer.form().is_some() && answer.location().is_none());
            }
            _ => panic!("nobody looks at {fault:?}"),
        }
    }
}

#[tokio::test]
async fn more_parameters_are_more_parameters() {
    let (_, params) = answer(&Fault::ExtraParameters).await;
    let names: Vec<_> = params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["code", "state", "session_state", "urn:example:later"]
    );
}
