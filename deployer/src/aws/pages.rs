//! Reading a list to its end, which a service may never give.

use std::collections::BTreeSet;

use super::error::{Class, Error, Result};

/// Pages of one list at most: a service that gives ever new tokens is not followed for ever. The longest list is a log, of
/// which a page has 10,000 events or 1 MB.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>
const MOST: usize = 10_000;

/// One page: what is on it, and the token of the next one. An empty token is none, as the SDKs' own paginators have it.
pub type Page<T> = (Vec<T>, Option<String>);

/// What is on all pages of a list; `read` gets the token of each but the first, and gives `None` where the thing that has
/// the list is absent.
///
/// # Errors
/// The call's own, and [`Class::Service`] where a token comes a second time: the pages from there on would be the same.
pub async fn all<T, F>(operation: &'static str, mut read: impl FnMut(Option<String>) -> F) -> Result<Option<Vec<T>>>
where
    F: Future<Output = Result<Option<Page<T>>>>,
{
    let (mut items, mut token, mut seen) = (Vec::new(), None, BTreeSet::new());
    for _ in 0..MOST {
        let Some((page, next)) = read(token.take()).await? else { return Ok(None) };
        items.extend(page);
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(Some(items)) };
        if !seen.insert(next.clone()) {
            let pages = seen.len() + 1;
            return Err(endless(operation, &format!("after {pages} pages the service leads back to one of them")));
        }
        token = Some(next);
    }
    Err(endless(operation, &format!("after {MOST} pages the service still has more")))
}

fn endless(operation: &'static str, what: &str) -> Error {
    let error = Error::outcome(operation, format!("{what}: the list has no end that could be read"));
    Error { class: Class::Service, ..error }
        .hint("run it again; if it stays so, the service, or what stands before it, is broken")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads pages of one item each, which lead to those tokens in turn; the last one for ever.
    async fn read(tokens: &[Option<&str>]) -> (Result<Option<Vec<usize>>>, Vec<Option<String>>) {
        let mut asked = Vec::new();
        let read = all("logs:FilterLogEvents", |token| {
            let count = asked.len();
            asked.push(token);
            let next = tokens.get(count).or(tokens.last()).copied().flatten().map(str::to_owned);
            async move { Ok(Some((vec![count], next))) }
        })
        .await;
        (read, asked)
    }

    #[tokio::test]
    async fn every_page_is_read_once_and_an_empty_token_is_none() {
        for end in [None, Some("")] {
            let (items, asked) = read(&[Some("a"), Some("b"), end]).await;
            assert_eq!(items.unwrap(), Some(vec![0, 1, 2]));
            assert_eq!(asked, [None, Some("a".to_owned()), Some("b".to_owned())]);
        }
    }

    #[tokio::test]
    async fn a_list_that_leads_back_to_itself_is_left_and_says_so() {
        for (tokens, pages) in [(&[Some("a")][..], 2), (&[Some("a"), Some("b"), Some("a")], 3)] {
            let (items, asked) = read(tokens).await;
            let error = items.unwrap_err();
            assert_eq!((error.class, asked.len()), (Class::Service, pages));
            assert!(error.message.contains(&format!("after {pages} pages")), "{error}");
        }
    }

    #[tokio::test]
    async fn a_list_with_ever_new_tokens_is_left_and_says_so() {
        let mut count = 0;
        let read = all("logs:FilterLogEvents", |_| {
            count += 1;
            let next = Some(count.to_string());
            async move { Ok(Some((vec![()], next))) }
        })
        .await;
        assert!(read.unwrap_err().message.contains("10000 pages"));
        assert_eq!(count, MOST);
    }

    #[tokio::test]
    async fn what_is_absent_has_no_list() {
        assert_eq!(all::<(), _>("iam:ListRolePolicies", |_| async { Ok(None) }).await.unwrap(), None);
    }
}
