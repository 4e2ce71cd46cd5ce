//! Server-sent events of an API, in the browser (WHATWG HTML section 9.2). The proxy takes `Sec-Fetch-Site` in the place
//! of the header, which an `EventSource` cannot send; the browser comes again by itself where a stream breaks.

use leptos::wasm_bindgen::JsCast as _;
use leptos::wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

/// What a stream tells.
pub(crate) enum Event {
    /// It is open, perhaps again.
    Open,
    /// Something happened: the event's name, `message` where it has none, and its data.
    Told(&'static str, String),
    /// It broke; where it `is_over`, it was refused, and the browser will not come again.
    Lost {
        /// Whether it is.
        is_over: bool,
    },
}

/// A stream; closed when dropped.
pub(crate) struct Events {
    source: EventSource,
    _handlers: Vec<Closure<dyn FnMut(web_sys::Event)>>,
}

impl Events {
    /// Opens a stream and hears of events without a name, and of those that are named. `None` where the browser has no
    /// such thing.
    pub(crate) fn open(
        path: &str,
        named: &[&'static str],
        hear: impl Fn(Event) + Clone + 'static,
    ) -> Option<Self> {
        let source = EventSource::new(path).ok()?;
        let mut handlers = Vec::new();
        let mut listen = |name: &str, handler: Closure<dyn FnMut(web_sys::Event)>| {
            // Fails for no name.
            let _ = source.add_event_listener_with_callback(name, handler.as_ref().unchecked_ref());
            handlers.push(handler);
        };
        for name in named.iter().copied().chain(["message"]) {
            let hear = hear.clone();
            let handler = move |event: web_sys::Event| {
                let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
                if let Some(text) = data.and_then(|data| data.as_string()) {
                    hear(Event::Told(name, text));
                }
            };
            listen(name, Closure::new(handler));
        }
        let opened = hear.clone();
        listen("open", Closure::new(move |_| opened(Event::Open)));
        let state = source.clone();
        let failed = move |_| {
            let is_over = state.ready_state() == EventSource::CLOSED;
            hear(Event::Lost { is_over });
        };
        listen("error", Closure::new(failed));
        Some(Self {
            source,
            _handlers: handlers,
        })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.source.close();
    }
}
