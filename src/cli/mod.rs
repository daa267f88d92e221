//! The command line: parse arguments, load settings, run one command.
//!
//! Exit codes: 0 done, 1 refused or found faults, 2 wrong usage. What goes wrong is one sentence on standard error.

mod backup;
mod books;
mod config;
mod demo;
mod fx;
mod jobs;
mod keys;
mod listen;
mod merchants;
mod output;
mod pay_out;
mod plan;
mod reconcile;
mod remote;
mod replay;
mod reprice;
mod seed;
mod serve;
mod trigger;
mod simulate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::AppError;
use crate::settings::{Layers, Settings, SettingsError};

/// The variable that names a file of settings.
const CONFIG: &str = "STRAITS_CONFIG";

/// Straits: prices, payments, split settlements, statements across borders.
#[derive(Debug, Parser)]
#[command(name = "straits", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    serving: Serving,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where to serve and on what; each also in the environment and in `--config FILE`.
#[derive(Debug, Clone, Args)]
pub struct Serving {
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:8080, environment: STRAITS_LISTEN]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Folder of the database file and the sandbox's state [default: ./data, environment: STRAITS_DATA_DIR]
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// sqlite://… or postgres://… [default: straits.db in the data folder, environment: DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// A file of settings; config/straits.toml lists them all [environment: STRAITS_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Real money: live keys only, no far sides, no test clock [environment: STRAITS_LIVE=true]
    #[arg(long, global = true, env = "STRAITS_LIVE", hide_env = true)]
    live: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (the default); without any flag in sandbox mode
    Serve,
    /// Look at the settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Serve in sandbox mode and play the main job through the public API
    Demo {
        /// End when the job is done
        #[arg(long)]
        exit: bool,
    },
    /// Bring the database's schema up to date and end
    Migrate,
    /// Test what the service stands on: folder, key, database, books, port
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Go over the books: hash chain, balances, sums
    Verify {
        /// The whole chain, not only what came since the last time
        #[arg(long)]
        full: bool,
        /// A head noted elsewhere that must still be part: `17:3f5a…` of the ledger, `mer_…:17:3f5a…` of an audit trail
        #[arg(long)]
        noted: Vec<books::Noted>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Compute what was settled again: byte for byte as it was, or the first difference
    Replay(replay::ReplayArguments),
    /// Write everything to one file, beside a running service; either engine restores it
    Backup {
        /// A file that is not there yet
        file: PathBuf,
    },
    /// Make a database out of a backup; the place must be empty
    Restore(backup::RestoreArguments),
    /// Write books out as CSV
    Export {
        #[command(subcommand)]
        what: Export,
    },
    /// Keys that seal secrets at rest
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Merchants of the database
    Merchant {
        #[command(subcommand)]
        command: MerchantCommand,
    },
    /// Rates and quotes
    Fx {
        #[command(subcommand)]
        command: fx::FxCommand,
    },
    /// Background jobs: what waits, what fails, what was given up
    Jobs {
        #[command(subcommand)]
        command: jobs::JobsCommand,
    },
    /// Payout plans
    Plan {
        #[command(subcommand)]
        command: plan::PlanCommand,
    },
    /// Payout plans of a running Straits: draft, approve, execute
    PayOut {
        #[command(subcommand)]
        command: pay_out::PayOutCommand,
    },
    /// Hold a gateway's bill against the books of a running Straits
    Reconcile(reconcile::ReconcileArguments),
    /// Forward the events of a running Straits to an address on this machine, signed as webhooks are
    Listen(listen::ListenArguments),
    /// Make an event really happen in a running sandbox
    Trigger(trigger::TriggerArguments),
    /// The sandbox's far sides
    Sandbox {
        #[command(subcommand)]
        command: SandboxCommand,
    },
    /// Live whole payments' lives from a seed, with everything that can go wrong, and check what must hold
    Simulate(simulate::Simulate),
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// Fill books and far side with a day of payments, and plant differences between the two
    Seed(seed::SeedArguments),
}

#[derive(Debug, Subcommand)]
enum MerchantCommand {
    /// Make a merchant with its first user and an admin key, shown once
    Add(merchants::AddArguments),
}

#[derive(Debug, Subcommand)]
enum Export {
    /// Every transaction of every merchant
    Journal,
    /// One supplier's statement
    Statement(books::StatementArguments),
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Seal every secret anew under the newest master key
    ///
    /// With the data folder's key file: a fresh key is made and the old one dropped; no service may be running. With
    /// STRAITS_MASTER_KEY: first start every service with `new,old`, then run this with the same, then start every
    /// service with `new` alone.
    Rotate,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every setting in force with its origin; secrets are masked
    Check,
}

/// What a command ends with: done, or found faults it has already told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 0.
    Done,
    /// 1.
    FoundFaults,
}

/// Why a command did not run.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The settings.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// The service.
    #[error("{0}")]
    App(#[from] AppError),
    /// What was to be read could not be written.
    #[error("the output could not be written: {0}")]
    Output(std::io::Error),
    /// Whoever read it has seen enough and closed the pipe; no fault.
    #[error("nobody reads the output any more")]
    Unread,
    /// Anything else, in words.
    #[error("{0}")]
    Words(String),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match run(cli) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::FoundFaults) => ExitCode::from(1),
        Err(CliError::Unread) => ExitCode::SUCCESS,
        Err(error @ CliError::Settings(_)) => {
            eprintln!("straits: {error}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("straits: {error}");
            ExitCode::from(1)
        }
    }
}

fn run(cli: Cli) -> Result<Outcome, CliError> {
    let layers = layers(&cli.serving)?;
    if let Some(Command::Config { command: ConfigCommand::Check }) = &cli.command {
        return config::check(&layers);
    }
    if let Some(Command::Simulate(asked)) = &cli.command {
        return simulate::simulate(asked);
    }
    if let Some(Command::Plan { command }) = &cli.command {
        return plan::plan(command);
    }
    let settings = Settings::from_layers(&layers)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Words(error.to_string()))?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => runtime.block_on(serve::serve(settings)),
        Command::Demo { exit } => runtime.block_on(demo::demo(settings, exit)),
        Command::Doctor { json } => runtime.block_on(books::doctor(settings, json)),
        Command::Verify { full, noted, json } => {
            runtime.block_on(books::verify(settings, full, &noted, json))
        }
        Command::Replay(asked) => runtime.block_on(replay::replay(settings, asked)),
        Command::Backup { file } => runtime.block_on(backup::backup(settings, &file)),
        Command::Restore(which) => runtime.block_on(backup::restore(settings, which)),
        Command::Export { what: Export::Journal } => runtime.block_on(books::journal(settings)),
        Command::Export { what: Export::Statement(which) } => {
            runtime.block_on(books::statement(settings, which))
        }
        Command::Keys { command: KeysCommand::Rotate } => runtime.block_on(keys::rotate(settings)),
        Command::Merchant { command: MerchantCommand::Add(new) } => {
            runtime.block_on(merchants::add(settings, new))
        }
        Command::Sandbox { command: SandboxCommand::Seed(asked) } => {
            runtime.block_on(seed::seed(settings, asked))
        }
        Command::Migrate => runtime.block_on(serve::migrate(settings)),
        Command::Fx { command: fx::FxCommand::Backtest(asked) } => fx::backtest(&settings, &asked),
        Command::Fx { command: fx::FxCommand::Reprice(asked) } => reprice::reprice(&settings, &asked),
        Command::Jobs { command } => runtime.block_on(jobs::jobs(settings, command)),
        Command::PayOut { command } => runtime.block_on(pay_out::pay_out(settings, command)),
        Command::Reconcile(asked) => runtime.block_on(reconcile::reconcile(settings, asked)),
        Command::Listen(asked) => runtime.block_on(listen::listen(settings, asked)),
        Command::Trigger(asked) => runtime.block_on(trigger::trigger(settings, asked)),
        Command::Openapi => config::openapi(&settings),
        Command::Simulate(_) | Command::Config { .. } | Command::Plan { .. } => Ok(Outcome::Done),
    }
}

fn layers(serving: &Serving) -> Result<Layers, SettingsError> {
    let mut layers = Layers::defaults();
    let by_variable = || std::env::var_os(CONFIG).filter(|name| !name.is_empty()).map(PathBuf::from);
    let named = serving.config.clone().map(|file| (file, "--config"));
    if let Some((file, by)) = named.or_else(|| by_variable().map(|file| (file, CONFIG))) {
        layers = layers.file(&file, by)?;
    }
    layers = layers.environment(std::env::vars())?;
    let flags = [
        ("--listen", "server.listen", serving.listen.as_deref()),
        ("--data-dir", "server.data_dir", serving.data_dir.as_deref()),
        ("--database-url", "database.url", serving.database_url.as_deref()),
        ("--live", "server.mode", serving.live.then_some("live")),
    ];
    for (flag, key, text) in flags {
        if let Some(text) = text {
            layers = layers.flag(flag, key, text)?;
        }
    }
    Ok(layers)
}
