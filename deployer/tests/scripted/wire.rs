//! A wire with nobody at the other end: every reply is scripted, every call is recorded, and a call that no one
//! expects fails the test.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use deployer::aws::Clients;
use serde_json::{Value as Json, json};

/// One request, as the service sees it.
#[derive(Debug, Clone)]
pub struct Call {
    /// As an IAM action: `lambda:CreateFunction`.
    pub operation: String,
    /// The JSON body, or the form of a query request as an object.
    pub body: Json,
    /// Path and query.
    pub path: String,
}

/// What is sent back.
#[derive(Clone)]
pub struct Reply(Arc<Answer>);

type Answer = dyn Fn(&Call) -> (u16, String) + Send + Sync;

/// What a proxy on the way makes of a call, or a service that says more in headers.
#[derive(Debug, Clone)]
pub enum Mishap {
    /// It answers itself, with those headers.
    Answers {
        /// The HTTP status.
        status: u16,
        /// Names and values.
        headers: Vec<(&'static str, String)>,
        /// The page.
        body: String,
    },
    /// There is no answer; the connection's own words for it.
    Io(String),
    /// The same, when it took too long.
    Timeout(String),
}

/// Success with that body: JSON, or the XML inside of a query answer's result.
pub fn ok(body: impl fmt::Display) -> Reply {
    let body = body.to_string();
    with(move |_| body.clone())
}

impl Reply {
    /// The same, once that was done.
    pub fn after(self, effect: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |call| {
            effect();
            (self.0)(call)
        }))
    }
}

/// Success with nothing to say.
pub fn done() -> Reply {
    with(|call| if is_query(&call.operation) { String::new() } else { "{}".to_owned() })
}

/// Success with what the request makes of it.
pub fn with(body: impl Fn(&Call) -> String + Send + Sync + 'static) -> Reply {
    Reply(Arc::new(move |call| (200, wrapped(call, &body(call)))))
}

/// Success with what the request makes of it, or that there is no such thing.
pub fn found(body: impl Fn(&Call) -> Option<String> + Send + Sync + 'static) -> Reply {
    Reply(Arc::new(move |call| match body(call) {
        Some(body) => (200, wrapped(call, &body)),
        None => (absent(&call.operation).0)(call),
    }))
}

/// An error, in the form of the service's own protocol.
pub fn error(status: u16, code: &str, message: &str) -> Reply {
    let (code, message) = (code.to_owned(), message.to_owned());
    Reply(Arc::new(move |call| {
        let body = if is_query(&call.operation) {
            let message = message.replace('&', "&amp;").replace('<', "&lt;");
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>request-1</RequestId></ErrorResponse>"
            )
        } else {
            json!({"__type": code, "message": message}).to_string()
        };
        (status, body)
    }))
}

/// What the caller may not do.
pub fn denied(call: &str) -> Reply {
    let code = if is_query(call) { "AccessDenied" } else { "AccessDeniedException" };
    error(403, code, &format!("User: arn:aws:iam::123456789012:user/ci is not authorized to perform: {call}"))
}

/// What is not there, in each service's own words.
pub fn absent(call: &str) -> Reply {
    let code = if is_query(call) { "NoSuchEntity" } else { "ResourceNotFoundException" };
    error(404, code, "it is not there")
}

fn is_query(operation: &str) -> bool {
    operation.starts_with("iam:") || operation.starts_with("sts:")
}

fn wrapped(call: &Call, body: &str) -> String {
    if !is_query(&call.operation) {
        return body.to_owned();
    }
    let name = call.operation.split(':').nth(1).unwrap();
    format!("<{name}Response><{name}Result>{body}</{name}Result></{name}Response>")
}

#[derive(Default)]
struct Script {
    once: BTreeMap<String, VecDeque<Reply>>,
    always: BTreeMap<String, Reply>,
    mishaps: BTreeMap<String, Mishap>,
    calls: Vec<Call>,
}

/// The script, and what was said to it.
#[derive(Clone)]
pub struct Wire {
    script: Arc<Mutex<Script>>,
    region: Arc<str>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// In a region of its own: what the SDK tries again is counted by region, and there is an end to it.
    pub fn new() -> Self {
        static REGIONS: AtomicUsize = AtomicUsize::new(0);
        let region = format!("us-test-{}", REGIONS.fetch_add(1, Ordering::Relaxed));
        Self { script: Arc::default(), region: region.into() }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The replies to the next calls of an operation, in that order; after them comes what `always` says, if anything.
    pub fn on<const N: usize>(&self, operation: &str, replies: [Reply; N]) -> &Self {
        self.script().once.entry(operation.to_owned()).or_default().extend(replies);
        self
    }

    /// The reply to every call of an operation.
    pub fn always(&self, operation: &str, reply: Reply) -> &Self {
        let mut script = self.script();
        script.once.remove(operation);
        script.always.insert(operation.to_owned(), reply);
        drop(script);
        self
    }

    /// What becomes of every call of an operation, which reaches no service.
    pub fn mishap(&self, operation: &str, mishap: Mishap) -> &Self {
        self.script().mishaps.insert(operation.to_owned(), mishap);
        self
    }

    /// The operations called, in order.
    pub fn operations(&self) -> Vec<String> {
        self.script().calls.iter().map(|call| call.operation.clone()).collect()
    }

    /// The operations called that change something, in order.
    pub fn changes(&self) -> Vec<String> {
        let reads = ["Get", "List", "Describe"];
        let reads =
            |operation: &String| reads.iter().any(|read| operation.split(':').nth(1).unwrap().starts_with(read));
        self.operations().into_iter().filter(|operation| !reads(operation)).collect()
    }

    /// All calls, in order.
    pub fn all(&self) -> Vec<Call> {
        self.script().calls.clone()
    }

    /// All calls of an operation.
    pub fn calls(&self, operation: &str) -> Vec<Call> {
        self.script().calls.iter().filter(|call| call.operation == operation).cloned().collect()
    }

    /// How often an operation was called.
    pub fn count(&self, operation: &str) -> usize {
        self.calls(operation).len()
    }

    /// The one call of an operation.
    pub fn the(&self, operation: &str) -> Call {
        let mut calls = self.calls(operation);
        assert_eq!(calls.len(), 1, "{operation} in {:?}", self.operations());
        calls.remove(0)
    }

    /// Clients that talk to this wire.
    pub fn clients(&self) -> Clients {
        self.clients_in(&self.region, &RetryConfig::standard().with_max_attempts(4))
    }

    /// Clients in another region, and with other retries.
    pub fn clients_in(&self, region: &str, retry: &RetryConfig) -> Clients {
        let credentials = Credentials::new("AKIATEST", "test", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(SharedHttpClient::new(self.clone()))
            .retry_config(retry.clone())
            .build();
        Clients::new(&config, region)
    }

    fn respond(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let call = understood(request);
        let mishap = self.script().mishaps.get(&call.operation).cloned();
        let (status, headers, body) = match mishap {
            None => {
                let (status, body) = self.answer(&call);
                (status, vec![], body)
            }
            Some(Mishap::Answers { status, headers, body }) => (status, headers, body),
            Some(Mishap::Io(why)) => return Err(ConnectorError::io(why.into())),
            Some(Mishap::Timeout(why)) => return Err(ConnectorError::timeout(why.into())),
        };
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }

    fn answer(&self, call: &Call) -> (u16, String) {
        let mut script = self.script();
        let earlier = script.calls.iter().filter(|one| one.operation == call.operation).count();
        script.calls.push(call.clone());
        let next = script.once.get_mut(&call.operation).and_then(VecDeque::pop_front);
        let reply = next.or_else(|| script.always.get(&call.operation).cloned());
        drop(script);
        let reply = reply.unwrap_or_else(|| panic!("call {} of {} is not in the script", earlier + 1, call.operation));
        (reply.0)(call)
    }
}

fn understood(request: &HttpRequest) -> Call {
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
    let (host, path) = request.uri().trim_start_matches("https://").split_once('/').unwrap();
    let service = host.split('.').next().unwrap_or_default();
    let target = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1));
    let (operation, body) = match (service, target) {
        ("iam" | "sts", _) => {
            let form = form(&body);
            (form["Action"].as_str().unwrap().to_owned(), form)
        }
        (_, Some(target)) => (target.to_owned(), serde_json::from_str(&body).unwrap()),
        _ => (by_path(service, request.method(), path), serde_json::from_str(&body).unwrap_or(Json::Null)),
    };
    let path = decoded(path);
    Call { operation: format!("{service}:{operation}"), body, path }
}

/// The two services whose operations are told by method and path.
fn by_path(service: &str, method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let operation = match (service, method, &parts[..]) {
        ("lambda", "GET", [_, "account-settings"]) => "GetAccountSettings",
        ("lambda", "GET", [_, "functions", _]) => "GetFunction",
        ("lambda", "GET", [_, "functions", _, "configuration"]) => "GetFunctionConfiguration",
        ("lambda", "GET", [_, "functions", _, "concurrency"]) => "GetFunctionConcurrency",
        ("lambda", "DELETE", [_, "functions", _, "concurrency"]) => "DeleteFunctionConcurrency",
        ("lambda", "POST", [_, "functions", _, "invocations"]) => "InvokeFunction",
        ("lambda", "POST", [_, "functions"]) => "CreateFunction",
        ("lambda", "DELETE", [_, "functions", _]) => "DeleteFunction",
        ("lambda", "PUT", [_, "functions", _, "code"]) => "UpdateFunctionCode",
        ("lambda", "PUT", [_, "functions", _, "configuration"]) => "UpdateFunctionConfiguration",
        ("lambda", "PUT", [_, "functions", _, "event-invoke-config"]) => "PutFunctionEventInvokeConfig",
        ("lambda", "GET", [_, "functions", _, "event-invoke-config"]) => "GetFunctionEventInvokeConfig",
        ("lambda", "GET", [_, "functions", _, "policy"]) => "GetPolicy",
        ("lambda", "POST", [_, "functions", _, "policy"]) => "AddPermission",
        ("lambda", "DELETE", [_, "functions", _, "policy", _]) => "RemovePermission",
        ("lambda", "POST", [_, "tags", _]) | ("scheduler", "POST", ["tags", _]) => "TagResource",
        ("lambda", "DELETE", [_, "tags", _]) | ("scheduler", "DELETE", ["tags", _]) => "UntagResource",
        ("scheduler", "GET", ["tags", _]) => "ListTagsForResource",
        ("scheduler", "GET", ["schedules"]) => "ListSchedules",
        ("scheduler", "GET", ["schedules", _]) => "GetSchedule",
        ("scheduler", "POST", ["schedules", _]) => "CreateSchedule",
        ("scheduler", "PUT", ["schedules", _]) => "UpdateSchedule",
        ("scheduler", "DELETE", ["schedules", _]) => "DeleteSchedule",
        ("scheduler", "GET", ["schedule-groups", _]) => "GetScheduleGroup",
        ("scheduler", "POST", ["schedule-groups", _]) => "CreateScheduleGroup",
        ("scheduler", "DELETE", ["schedule-groups", _]) => "DeleteScheduleGroup",
        _ => panic!("no operation is known for {service} {method} {path}"),
    };
    operation.to_owned()
}

fn form(body: &str) -> Json {
    let fields = body.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(key, value)| (decoded(key), json!(decoded(&value.replace('+', " "))))).collect()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.respond(&request))
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
