//! What can go wrong with a call, and how the service would say so.

use serde_json::json;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Too many calls.
    Throttled,
    /// The service failed before it did anything.
    Failed,
    /// The service did it, and then failed.
    FailedAfterwards,
    /// The service is not available.
    Unavailable,
    /// The connection breaks before the service hears of it.
    CutBefore,
    /// The connection breaks when the service has done it.
    CutAfterwards,
    /// The service does it, and the answer comes too late.
    Slow,
    /// The service does it, and half of the answer comes.
    Truncated,
    /// The credentials have expired.
    Expired,
    /// The caller may not do it.
    Denied,
}

impl Fault {
    /// What may pass by itself: the same call, made again, is answered.
    pub const PASSING: [Self; 8] = [
        Self::Throttled,
        Self::Failed,
        Self::FailedAfterwards,
        Self::Unavailable,
        Self::CutBefore,
        Self::CutAfterwards,
        Self::Slow,
        Self::Truncated,
    ];

    /// What a second attempt does not mend.
    pub const FINAL: [Self; 2] = [Self::Expired, Self::Denied];

    /// Whether the service does what it is asked for all the same.
    pub const fn takes_effect(self) -> bool {
        matches!(self, Self::FailedAfterwards | Self::CutAfterwards | Self::Slow | Self::Truncated)
    }

    /// What the service says instead of an answer, where it says anything. It quotes the whole request, as services do
    /// at times.
    pub fn answer(self, call: &str, request: &str) -> Option<Vec<u8>> {
        let (service, operation) = call.split_once(':').unwrap();
        let (status, code) = match (self, service) {
            (Self::Throttled, "iam" | "sts") => (400, "Throttling"),
            (Self::Throttled, "lambda") => (429, "TooManyRequestsException"),
            (Self::Throttled, _) => (400, "ThrottlingException"),
            (Self::Failed | Self::FailedAfterwards, "iam" | "sts") => (500, "ServiceFailure"),
            (Self::Failed | Self::FailedAfterwards, "lambda") => (500, "ServiceException"),
            (Self::Failed | Self::FailedAfterwards, "secretsmanager") => (500, "InternalServiceError"),
            (Self::Failed | Self::FailedAfterwards, _) => (500, "InternalServerException"),
            (Self::Unavailable, "iam" | "sts") => (503, "ServiceUnavailable"),
            (Self::Unavailable, _) => (503, "ServiceUnavailableException"),
            (Self::Expired, "iam" | "sts") => (403, "ExpiredToken"),
            (Self::Expired, _) => (403, "ExpiredTokenException"),
            (Self::Denied, "iam" | "sts") => (403, "AccessDenied"),
            (Self::Denied, _) => (403, "AccessDeniedException"),
            _ => return None,
        };
        Some(error(call, status, code, &format!("{operation}: something went wrong with {request}")))
    }
}

/// An error, in the form of the service's own protocol.
pub fn error(call: &str, status: u16, code: &str, message: &str) -> Vec<u8> {
    let body = if call.starts_with("iam:") || call.starts_with("sts:") {
        let message = message.replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>request-1</RequestId></ErrorResponse>"
        )
    } else {
        json!({"__type": code, "message": message}).to_string()
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Fault\r\nx-amzn-errortype: {code}\r\ncontent-length: {length}");
    format!("{head}\r\nconnection: close\r\n\r\n{body}").into_bytes()
}
