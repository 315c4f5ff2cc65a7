//! An HTTP client for AWS's SDK that reads an answer to a limit.
//!
//! The SDK reads the whole of an answer before it looks at it, so whoever answers would choose how much memory that takes.
//! Deployer and function wrap their client in [`Bounded`], which has an answer read or refused before the SDK sees it.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;

/// Bytes of an answer, at most, by the request that it answers.
pub type Limit = fn(&HttpRequest) -> usize;

/// An answer that is longer than its limit. No more of it is read, and the same request is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// Bytes that it may have.
    pub limit: usize,
}

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the answer has more than {} KiB, and no answer of the service is so long", self.limit / 1024)
    }
}

impl std::error::Error for TooLong {}

/// An answer that broke off; what the connection says of it is its source.
#[derive(Debug)]
pub struct BrokenOff(BoxError);

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer broke off")
    }
}

impl std::error::Error for BrokenOff {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// A client that reads answers to a limit.
#[derive(Debug, Clone)]
pub struct Bounded<T = SharedHttpClient> {
    inner: T,
    limit: Limit,
}

impl Bounded {
    /// `inner`, with `limit` for its answers.
    #[must_use]
    pub fn new(inner: impl HttpClient + 'static, limit: Limit) -> Self {
        Self { inner: SharedHttpClient::new(inner), limit }
    }
}

impl HttpClient for Bounded {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Bounded { inner, limit: self.limit })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

impl HttpConnector for Bounded<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let limit = (self.limit)(&request);
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move { read(answer.await?, limit).await })
    }
}

/// The answer with all of its body in memory.
async fn read(mut answer: HttpResponse, limit: usize) -> Result<HttpResponse, ConnectorError> {
    let too_long = || ConnectorError::other(TooLong { limit }.into(), None);
    let mut body = ByteStream::new(std::mem::replace(answer.body_mut(), SdkBody::taken()));
    // One that says its length is refused before any of it is read.
    let (least, _) = body.size_hint();
    if least > limit as u64 {
        return Err(too_long());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(least).unwrap_or_default());
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| ConnectorError::io(BrokenOff(error.into()).into()))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_long());
        }
        bytes.extend_from_slice(&chunk);
    }
    *answer.body_mut() = SdkBody::from(bytes);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with a body of as many bytes as the request's path says.
    #[derive(Debug, Clone)]
    struct Server;

    impl HttpConnector for Server {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let length: usize = request.uri().trim_start_matches('/').parse().unwrap();
            HttpConnectorFuture::ready(Ok(HttpResponse::new(
                200.try_into().unwrap(),
                SdkBody::from(vec![b'x'; length]),
            )))
        }
    }

    async fn answer(length: usize) -> Result<usize, ConnectorError> {
        let bounded = Bounded { inner: SharedHttpConnector::new(Server), limit: |_| 10 };
        let mut request = HttpRequest::empty();
        request.set_uri(format!("/{length}")).unwrap();
        bounded.call(request).await.map(|answer| answer.body().bytes().unwrap().len())
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_its_limit_and_never_beyond() {
        for length in [0, 9, 10] {
            assert_eq!(answer(length).await.unwrap(), length);
        }
        for length in [11, 5000] {
            let error = answer(length).await.unwrap_err();
            assert!(error.is_other() && error.as_other().is_none(), "it would be sent again: {error:?}");
            assert_eq!(*error.into_source().downcast::<TooLong>().unwrap(), TooLong { limit: 10 });
        }
    }
}
