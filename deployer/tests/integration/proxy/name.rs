//! What a request asks for, in IAM's words.

/// A request's name as IAM has it: `iam:GetRole`.
pub fn name(head: &[String], body: &[u8]) -> String {
    let header = |name: &str| {
        let fits = |line: &&String| line.to_ascii_lowercase().starts_with(name);
        head.iter().find(fits).map(|line| line[name.len()..].trim().to_owned())
    };
    // Credential=AKID/20260101/us-east-1/SERVICE/aws4_request
    let signed = header("authorization:").unwrap_or_default();
    let service = signed.split('/').nth(3).unwrap_or("unsigned").to_owned();
    let body = String::from_utf8_lossy(body);
    let operation = match (header("x-amz-target:"), body.strip_prefix("Action=")) {
        (Some(target), _) => target.rsplit('.').next().unwrap().to_owned(),
        (None, Some(query)) => query.split('&').next().unwrap().to_owned(),
        (None, None) => rest(&service, &head[0]),
    };
    format!("{service}:{operation}")
}

/// Lambda and EventBridge Scheduler name their operations by method and path.
fn rest(service: &str, request: &str) -> String {
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let path: Vec<&str> = path.split('?').next().unwrap().trim_matches('/').split('/').collect();
    let verb = |noun: &str| match method {
        "GET" => format!("Get{noun}"),
        "POST" => format!("Create{noun}"),
        "PUT" => format!("Update{noun}"),
        _ => format!("Delete{noun}"),
    };
    match (service, path.as_slice()) {
        ("scheduler", ["schedules"]) => "ListSchedules".to_owned(),
        ("scheduler", ["schedules", _]) => verb("Schedule"),
        ("scheduler", ["schedule-groups", _]) => verb("ScheduleGroup"),
        ("lambda", [_, "account-settings"]) => "GetAccountSettings".to_owned(),
        ("lambda", [_, "functions"] | [_, "functions", _]) => verb("Function"),
        ("lambda", [_, "functions", _, "event-invoke-config"]) if method == "PUT" => {
            "PutFunctionEventInvokeConfig".to_owned()
        }
        ("lambda", [_, "functions", _, "event-invoke-config"]) => verb("FunctionEventInvokeConfig"),
        ("lambda", [_, "functions", _, "policy"]) if method == "GET" => "GetPolicy".to_owned(),
        ("lambda", [_, "functions", _, "policy"]) => "AddPermission".to_owned(),
        ("lambda", [_, "functions", _, "policy", _]) => "RemovePermission".to_owned(),
        ("lambda", [_, "functions", _, "concurrency"]) => verb("FunctionConcurrency"),
        ("lambda", [_, "functions", _, "configuration"]) => verb("FunctionConfiguration"),
        ("lambda", [_, "functions", _, "code"]) => verb("FunctionCode"),
        ("lambda", [_, "functions", _, "invocations"]) => "InvokeFunction".to_owned(),
        ("scheduler", ["tags", ..]) | ("lambda", [_, "tags", ..]) if method == "GET" => {
            "ListTagsForResource".to_owned()
        }
        ("scheduler", ["tags", ..]) | ("lambda", [_, "tags", ..]) if method == "DELETE" => "UntagResource".to_owned(),
        ("scheduler", ["tags", ..]) | ("lambda", [_, "tags", ..]) => "TagResource".to_owned(),
        _ => request.to_owned(),
    }
}
