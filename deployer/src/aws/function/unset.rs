//! What the deployer leaves as Lambda makes it: read where somebody has set it, and taken away.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::operation::get_function_event_invoke_config::GetFunctionEventInvokeConfigOutput;
use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::types::{
    ApplicationLogLevel, Concurrency, DeadLetterConfig, EphemeralStorage, FileSystemConfig, FunctionConfiguration,
    LambdaManagedInstancesCapacityProviderConfig as Instances, LogFormat, LoggingConfig, PackageType, SnapStart,
    SnapStartApplyOn, SystemLogLevel, TracingConfig, TracingMode, VpcConfigResponse,
};
use plan::resource::function::Unset;

/// The attributes that `UpdateFunctionConfiguration` takes away.
pub const CONFIGURATION: &[&str] = &[
    "environment_key",
    "environment_error",
    "dead_letter_target",
    "tracing",
    "log_destination",
    "log_format",
    "log_level",
    "file_system",
    "ephemeral_storage",
    "snap_start",
];
/// The attribute that `UpdateFunctionCode` takes away.
pub const CODE_KEY: &str = "code_key";
/// The attributes that `PutFunctionEventInvokeConfig` takes away.
pub const ASYNC: &[&str] = &["async_on_success", "async_on_failure"];
/// The attribute that `DeleteFunctionConcurrency` takes away.
pub const CONCURRENCY: &str = "reserved_concurrency";

/// MB that every function has.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_EphemeralStorage.html>
const STORAGE: i32 = 512;
/// The kind of package that the deployer sends.
const ZIP: &str = "Zip";

/// What is set of a function of that name.
pub fn read(
    name: &str,
    config: &FunctionConfiguration,
    function: &GetFunctionOutput,
    invoke: Option<&GetFunctionEventInvokeConfigOutput>,
) -> Unset {
    let logging = config.logging_config();
    let level = |name: &str, level: Option<&str>| level.map(|level| (name.to_owned(), level.to_owned()));
    let levels = [
        level("application", logging.and_then(|it| it.application_log_level()).map(ApplicationLogLevel::as_str)),
        level("system", logging.and_then(|it| it.system_log_level()).map(SystemLogLevel::as_str)),
    ];
    let destinations = invoke.and_then(|it| it.destination_config());
    let reserved = function.concurrency().and_then(Concurrency::reserved_concurrent_executions);
    let file_system = |it: &FileSystemConfig| (it.arn().to_owned(), it.local_mount_path().to_owned());
    let error = config.environment().and_then(|it| it.error());
    Unset {
        environment_key: other(config.kms_key_arn(), ""),
        environment_error: error.map(|it| it.error_code().unwrap_or("unknown").to_owned()),
        code_key: other(function.code().and_then(|it| it.source_kms_key_arn()), ""),
        dead_letter_target: other(config.dead_letter_config().and_then(|it| it.target_arn()), ""),
        async_on_success: other(destinations.and_then(|it| it.on_success()?.destination()), ""),
        async_on_failure: other(destinations.and_then(|it| it.on_failure()?.destination()), ""),
        tracing: other(
            config.tracing_config().and_then(|it| Some(it.mode()?.as_str())),
            TracingMode::PassThrough.as_str(),
        ),
        log_destination: other(logging.and_then(|it| it.log_group()), &own_log_group(name)),
        log_format: other(logging.and_then(|it| Some(it.log_format()?.as_str())), LogFormat::Text.as_str()),
        log_levels: levels.into_iter().flatten().collect(),
        file_systems: config.file_system_configs().iter().map(file_system).collect(),
        ephemeral_storage: config
            .ephemeral_storage()
            .filter(|it| it.size() != STORAGE)
            .and_then(|it| u32::try_from(it.size()).ok()),
        snap_start: other(
            config.snap_start().and_then(|it| Some(it.apply_on()?.as_str())),
            SnapStartApplyOn::None.as_str(),
        ),
        ipv6: config.vpc_config().and_then(VpcConfigResponse::ipv6_allowed_for_dual_stack).unwrap_or_default(),
        // A reservation keeps room for the function; none at all stops it.
        reserved_concurrency: (reserved == Some(0)).then_some(0),
        fixed: fixed(config),
    }
}

/// What a function can be given at its creation alone.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html>
fn fixed(config: &FunctionConfiguration) -> BTreeMap<&'static str, String> {
    let tenants = config.tenancy_config().map(|it| it.tenant_isolation_mode().as_str());
    let capacity = config.capacity_provider_config().map(|it| {
        let instances = it.lambda_managed_instances_capacity_provider_config();
        other(instances.map(Instances::capacity_provider_arn), "").unwrap_or_else(|| "on".to_owned())
    });
    let durable = config.durable_config().map(|it| match it.execution_timeout() {
        Some(seconds) => format!("{seconds} s"),
        None => "on".to_owned(),
    });
    [
        ("package_type", other(config.package_type().map(PackageType::as_str), ZIP)),
        ("tenant_isolation", other(tenants, "")),
        ("capacity_provider", capacity),
        ("durable_execution", durable),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// What is there and not the default.
fn other(value: Option<&str>, default: &str) -> Option<String> {
    value.filter(|value| !value.is_empty() && *value != default).map(str::to_owned)
}

fn own_log_group(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

/// Takes away what is `touched`, and sends nothing of the rest: it is somebody else's to know what that may be.
pub fn take_away(
    update: UpdateFunctionConfigurationFluentBuilder,
    name: &str,
    touched: &BTreeSet<&str>,
) -> UpdateFunctionConfigurationFluentBuilder {
    let is = |name: &str| touched.contains(name);
    let logs = ["log_destination", "log_format", "log_level"].into_iter().any(is);
    let logging = || LoggingConfig::builder().log_format(LogFormat::Text).log_group(own_log_group(name)).build();
    let storage = || EphemeralStorage::builder().size(STORAGE).build().ok();
    update
        // The empty text stands for none in both.
        .set_kms_key_arn(is("environment_key").then(String::new))
        .set_dead_letter_config(is("dead_letter_target").then(|| DeadLetterConfig::builder().target_arn("").build()))
        .set_tracing_config(is("tracing").then(|| TracingConfig::builder().mode(TracingMode::PassThrough).build()))
        .set_logging_config(logs.then(logging))
        .set_file_system_configs(is("file_system").then(Vec::new))
        .set_ephemeral_storage(is("ephemeral_storage").then(storage).flatten())
        .set_snap_start(is("snap_start").then(|| SnapStart::builder().apply_on(SnapStartApplyOn::None).build()))
}
