//! The reference notifiers, as processes of their own: with a real mail server, a real HTTP server, and behind a real
//! `countersign serve`.

mod chain;
mod mail;
mod once;
mod process;
mod sms;
mod startup;
mod stories;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}
