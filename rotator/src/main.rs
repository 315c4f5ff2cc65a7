//! The function's entry point: Lambda's runtime loop.
#![forbid(unsafe_code)]

use lambda_runtime::{LambdaEvent, service_fn};
use rotator::handler::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    rotator::log::hide_panic_messages();
    let function = Function::from_env(|name| std::env::var(name).ok());
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| function.answer(event.payload, event.context))).await
}
