//! The one request that carries a value: whatever comes back of it, and however it fails, no one reads the value there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deployer::aws::Error;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use plan::resource::Kind;
use serde_json::json;

use crate::stage::{CANARY, Stage, first_value};
use crate::wire::{Mishap, error};

const CREATE: &str = "secretsmanager:CreateSecret";

/// Pieces of the canary by which it would be known.
const PIECES: [&str; 4] = [CANARY, "Canary", "5f2c", "<value"];

/// What is told of an error, in every form that it has.
fn told(error: &Error) -> String {
    format!("{error} {error:?} {error:#?} {:?}", error.hint)
}

fn encodings(text: &str) -> Vec<String> {
    let percent = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let entities = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let quoted = json!(text).to_string();
    let twice = json!(quoted).to_string();
    vec![text.to_owned(), percent.clone(), percent.replace("%20", "+"), entities, quoted, twice, STANDARD.encode(text)]
}

/// All of an encoding, its first half, and its middle.
fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let (half, third) = (letters.len() / 2, letters.len() / 3);
    let text = |letters: &[char]| letters.iter().collect::<String>();
    vec![text(&letters), text(&letters[..half]), text(&letters[third..third * 2])]
}

fn expect_nothing_of_it(error: &Error, what: &str, sent: &str) {
    let told = told(error);
    for piece in PIECES.into_iter().flat_map(encodings).chain([sent.to_owned()]) {
        assert!(piece.len() < 4 || !told.contains(&piece), "{what}: {piece:?} is in {told}");
    }
}

/// As a document, and alone; each in every encoding, whole and in part.
fn quotations() -> Vec<String> {
    let document = json!({"password": CANARY}).to_string();
    [document.as_str(), CANARY].into_iter().flat_map(encodings).flat_map(|text| pieces(&text)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_proxy_that_repeats_the_request_is_not_shown() {
    for quotation in quotations() {
        for (status, kind) in [(400, "text/html"), (502, "text/html"), (200, "text/html"), (403, "application/json")] {
            let page = format!("<html><body><h1>Bad</h1><pre>POST / {quotation}</pre></body></html>");
            let headers = vec![("content-type", kind.to_owned())];
            let stage = Stage::missing(Kind::Secret);
            stage.wire.mishap(CREATE, Mishap::Answers { status, headers, body: page });
            let error = stage.apply(Kind::Secret).await.error();
            expect_nothing_of_it(&error, &format!("status {status}"), &quotation);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_code_or_request_id_that_repeats_the_value_is_left_out() {
    for quotation in quotations() {
        let bodies = [
            json!({"__type": "ValidationException", "message": format!("Value '{quotation}' at 'secretString'")}),
            json!({"__type": quotation, "message": "no"}),
            json!({"__type": format!("com.amazon#{quotation}:http://x/"), "Message": quotation}),
            json!({"code": quotation, "message": null}),
        ];
        for body in bodies {
            let id: String = quotation.chars().filter(char::is_ascii_graphic).collect();
            let stage = Stage::missing(Kind::Secret);
            let headers = vec![("x-amzn-requestid", id)];
            stage.wire.mishap(CREATE, Mishap::Answers { status: 400, headers, body: body.to_string() });
            let error = stage.apply(Kind::Secret).await.error();
            expect_nothing_of_it(&error, &body.to_string(), &quotation);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_in_a_header_that_repeats_the_value_is_left_out() {
    for quotation in [CANARY.to_owned(), format!("{CANARY}:x"), format!("x#{CANARY}"), STANDARD.encode(CANARY)] {
        let stage = Stage::missing(Kind::Secret);
        let headers = vec![("x-amzn-errortype", quotation.clone()), ("x-amz-request-id", quotation.clone())];
        stage.wire.mishap(CREATE, Mishap::Answers { status: 400, headers, body: "{}".to_owned() });
        expect_nothing_of_it(&stage.apply(Kind::Secret).await.error(), "a header", &quotation);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_over_the_value_does_not_show_it() {
    for quotation in quotations() {
        for mishap in [Mishap::Io(quotation.clone()), Mishap::Timeout(quotation.clone())] {
            let stage = Stage::missing(Kind::Secret);
            let what = format!("{mishap:?}");
            stage.wire.mishap(CREATE, mishap);
            expect_nothing_of_it(&stage.apply(Kind::Secret).await.error(), &what, &quotation);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_request_and_who_holds_the_value_have_no_form_that_shows_it() {
    let stage = Stage::missing(Kind::Secret);
    stage.wire.always(CREATE, error(400, "InvalidParameterException", "no"));
    let shown = format!("{:?} {:#?} {:?}", stage.mutator(), stage.mutator(), first_value());
    let request = aws_sdk_secretsmanager::operation::create_secret::CreateSecretInput::builder().secret_string(CANARY);
    let shown = format!("{shown} {request:?} {:?}", request.clone().build());
    assert!(PIECES.into_iter().all(|piece| !shown.contains(piece)), "{shown}");
    assert!(shown.contains("Redacted"), "the SDK says that it keeps the value back: {shown}");
}
