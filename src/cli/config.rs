//! What the arguments mean: a builder of the library.

use super::args::{
    Cli, Command, ContractArgs, DiscriminatorArg, Drift, EditionArg, ServeArgs, UnknownQueryArg, UnseededArg, Violation,
};
use chatkitty_mock::{Builder, Discriminator, Edition, MockServer, OnDrift, OnViolation, UnknownQuery, Unseeded};
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::cmp::Ordering;

/// The port of `serve` unless another is asked for.
pub(super) const PORT: u16 = 2428;

/// Lets `--openapi` or `--edition` count, as both say which contract is served: the one that comes first of flag,
/// environment and file. Both of them in the same place are a mistake, given as its message and cure; so is `--fixtures` where
/// nothing is answered, and half of what TLS needs.
pub(super) fn settle(cli: &mut Cli, matches: &ArgMatches) -> Result<(), (String, &'static str)> {
    let contract = match &mut cli.command {
        Command::Serve(arguments) => {
            check_tls(arguments)?;
            &mut arguments.contract
        }
        Command::Exec(arguments) => {
            check_tls(&arguments.serve)?;
            &mut arguments.serve.contract
        }
        Command::Check(arguments) => &mut arguments.contract,
        Command::Audit(arguments) => {
            let typed = matches.subcommand().and_then(|(_, verb)| verb.value_source("fixtures"));
            if typed == Some(ValueSource::CommandLine) {
                return Err(("`--fixtures` has no meaning for recorded traffic".to_owned(), "leave it out"));
            }
            &mut arguments.contract
        }
        _ => return Ok(()),
    };
    if contract.openapi.is_none() || contract.edition.is_none() {
        return Ok(());
    }
    let source = |id| matches.subcommand().and_then(|(_, verb)| verb.value_source(id));
    let (openapi, edition) = (source("openapi"), source("edition"));
    match openapi.cmp(&edition) {
        Ordering::Greater => contract.edition = None,
        Ordering::Less => contract.openapi = None,
        Ordering::Equal => {
            let named = match openapi {
                Some(ValueSource::CommandLine) => "`--openapi` and `--edition`",
                Some(ValueSource::EnvVariable) => "`CHATKITTY_MOCK_OPENAPI` and `CHATKITTY_MOCK_EDITION`",
                _ => "chatkitty-mock.toml: `openapi` and `edition`",
            };
            return Err((format!("{named} both say which contract is served"), "leave one of them out"));
        }
    }
    Ok(())
}

/// What is wrong with the arguments on TLS, as message and cure. They may come from three places, so clap cannot tell.
fn check_tls(arguments: &ServeArgs) -> Result<(), (String, &'static str)> {
    let fail = |message: &str, help| Err((message.to_owned(), help));
    match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(_), None) => return fail("`--tls-cert` is given, and `--tls-key` is not", "give the private key, too"),
        (None, Some(_)) => return fail("`--tls-key` is given, and `--tls-cert` is not", "give the certificate, too"),
        (Some(_), Some(_)) if arguments.tls_self_signed => {
            return fail(
                "`--tls-cert` and `--tls-self-signed` both say which certificate is shown",
                "leave one of them out",
            );
        }
        _ => {}
    }
    if arguments.tls_ca_file.is_some() && !arguments.tls_self_signed {
        return fail("`--tls-ca-file` is given, and no CA is made", "give `--tls-self-signed`, too");
    }
    Ok(())
}

impl ContractArgs {
    /// The builder that these arguments mean.
    pub(super) fn builder(&self) -> Builder {
        let mut builder = MockServer::builder()
            .discriminator(match self.discriminator {
                DiscriminatorArg::Hint => Discriminator::Hint,
                DiscriminatorArg::Select => Discriminator::Select,
            })
            .unknown_query(match self.unknown_query {
                UnknownQueryArg::Report => UnknownQuery::Report,
                UnknownQueryArg::Refuse => UnknownQuery::Refuse,
            })
            .ignore_base_path(self.ignore_base_path)
            .allow_outside_refs(self.allow_outside_refs)
            .allow_remote_refs(self.allow_remote_refs);
        if let Some(edition) = self.edition {
            builder = builder.edition(match edition {
                EditionArg::Page => Edition::Page,
                EditionArg::Camel => Edition::Camel,
                EditionArg::Snake => Edition::Snake,
                EditionArg::Unversioned => Edition::Unversioned,
            });
        }
        if let Some(file) = &self.openapi {
            builder = builder.openapi(file);
        }
        for path in &self.fixtures {
            builder = builder.fixtures(path);
        }
        builder
    }
}

impl ServeArgs {
    /// The builder that these arguments mean; `port` is taken where none is given.
    pub(super) fn builder(&self, port: u16) -> Builder {
        let mut builder = self
            .contract
            .builder()
            .host(self.host)
            .port(self.port.unwrap_or(port))
            .on_violation(match self.on_violation {
                Violation::Reject => OnViolation::Reject,
                Violation::Report => OnViolation::Report,
            })
            .on_drift(match self.on_drift {
                Drift::Fail => OnDrift::Fail,
                Drift::Report => OnDrift::Report,
            })
            .unseeded(match self.unseeded {
                UnseededArg::Example => Unseeded::Example,
                UnseededArg::Generate => Unseeded::Generate,
                UnseededArg::NotFound => Unseeded::NotFound,
            })
            .strict_oauth(self.strict_oauth)
            .max_body(self.max_body.0)
            .max_connections(self.max_connections)
            .head_timeout(self.head_timeout)
            .body_timeout(self.body_timeout)
            .journal(self.journal);
        builder = self.evidence.apply(builder);
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        if let Some(ttl) = self.token_ttl {
            builder = builder.token_ttl(ttl);
        }
        if let Some(time) = &self.clock {
            builder = builder.clock(time.as_str());
        }
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            builder = builder.tls(certificate, key);
        }
        if self.tls_self_signed {
            builder = match &self.tls_ca_file {
                Some(file) => builder.tls_self_signed_to(file),
                None => builder.tls_self_signed(),
            };
        }
        if let Some(path) = &self.unix_socket {
            builder = builder.unix_socket(path);
        }
        if let Some(token) = &self.admin_token {
            builder = builder.admin_token(token);
        }
        self.allow_host.iter().fold(builder, Builder::allow_host)
    }
}
