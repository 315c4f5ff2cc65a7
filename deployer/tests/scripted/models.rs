//! The services' published models, as botocore carries them: nothing that a call may answer is unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use deployer::aws::{Remedy, meaning, reason};
use serde_json::Value as Json;

use crate::sources::calls;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What an expression of Python gives of `model(service)`, a service's model.
fn from_models(expression: &str) -> Json {
    let python = std::env::var_os("TESTBED_PYTHON").map_or_else(|| root().join("target/venv/bin/python"), Into::into);
    let script = format!(
        "import botocore, glob, gzip, json, os\n\
         def model(service):\n\
         \x20   folder = os.path.join(os.path.dirname(botocore.__file__), 'data', service, '*', 'service-2.json.gz')\n\
         \x20   return json.load(gzip.open(sorted(glob.glob(folder))[-1]))\n\
         print(json.dumps({expression}))"
    );
    let ran = Command::new(python).args(["-c", &script]).output().expect("the test bed's Python runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// The codes that each call may be refused with.
fn refusals() -> BTreeMap<String, BTreeSet<String>> {
    let calls = calls();
    let services: BTreeSet<&str> = calls.iter().map(|call| call.split_once(':').unwrap().0).collect();
    let list = services.iter().map(|service| format!("'{service}'")).collect::<Vec<_>>().join(", ");
    let models = from_models(&format!(
        "{{s: {{o: [m['shapes'][e['shape']].get('error', {{}}).get('code', e['shape']) for e in op.get('errors', [])] \
         for o, op in m['operations'].items()}} for s in [{list}] for m in [model(s)]}}"
    ));
    let of = |call: &String| {
        let (service, operation) = call.split_once(':').unwrap();
        // An action has another name than its call in one place.
        let operation = if call == "lambda:InvokeFunction" { "Invoke" } else { operation };
        let codes = models[service][operation].as_array().unwrap_or_else(|| panic!("{call} is no operation"));
        (call.clone(), codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
    };
    calls.iter().map(of).collect()
}

#[test]
fn every_refusal_of_every_call_is_classed() {
    let refusals = refusals();
    let mut tally = BTreeMap::<&str, usize>::new();
    let mut unknown = Vec::new();
    for (call, codes) in &refusals {
        for code in codes {
            let Some(meaning) = meaning(call, code) else {
                unknown.push(format!("{call} {code}"));
                continue;
            };
            let word = match meaning.class.remedy() {
                Remedy::Wait => "waited for",
                Remedy::Fix => "fixed first",
                Remedy::Report => "reported",
            };
            *tally.entry(word).or_default() += 1;
        }
    }
    println!("{} refusals of {} calls: {tally:?}", tally.values().sum::<usize>(), refusals.len());
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(refusals.len() > 60 && tally.values().sum::<usize>() > 250, "{} calls, {tally:?}", refusals.len());
}

/// What any service may answer to any call, and what helps.
/// <https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html>
const COMMON: [(&str, Remedy); 16] = [
    ("AccessDeniedException", Remedy::Fix),
    ("ExpiredTokenException", Remedy::Fix),
    ("IncompleteSignature", Remedy::Fix),
    ("InternalFailure", Remedy::Wait),
    ("MalformedHttpRequestException", Remedy::Report),
    ("NotAuthorized", Remedy::Fix),
    ("OptInRequired", Remedy::Report),
    ("RequestAbortedException", Remedy::Wait),
    ("RequestEntityTooLargeException", Remedy::Report),
    ("RequestExpired", Remedy::Fix),
    ("RequestTimeoutException", Remedy::Wait),
    ("ServiceUnavailable", Remedy::Wait),
    ("ThrottlingException", Remedy::Wait),
    ("UnknownOperationException", Remedy::Report),
    ("UnrecognizedClientException", Remedy::Fix),
    ("ValidationError", Remedy::Report),
];

#[test]
fn what_any_service_may_answer_to_any_call_is_classed() {
    for call in calls() {
        for (code, remedy) in COMMON {
            let meaning = meaning(&call, code).unwrap_or_else(|| panic!("{code} of {call}"));
            assert_eq!(meaning.class.remedy(), remedy, "{code} of {call}");
        }
    }
    assert!(meaning("iam:CreateRole", "OptInRequired").is_some_and(|meaning| meaning.fix.is_some()));
}

#[test]
fn every_reason_of_a_function_s_state_has_its_advice_or_none_on_purpose() {
    let reasons = from_models(
        "sorted({r for n in ['StateReasonCode', 'LastUpdateStatusReasonCode'] for r in model('lambda')['shapes'][n]['enum']})",
    );
    let reasons: Vec<&str> = reasons.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert!(reasons.len() > 30);
    let unknown: Vec<&&str> = reasons.iter().filter(|code| reason(code).is_none()).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
