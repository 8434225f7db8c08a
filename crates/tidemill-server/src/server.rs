//! The server as a whole: started, known by its address, and stopped in order.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::chain::{Chain, ChainLimits};
use crate::endpoints::Endpoints;
use crate::metrics::Metrics;
use crate::node::Node;
use crate::reader::Reader;
use crate::routes::{router, App};
use crate::rpc::{client, Endpoint, HttpClient};
use crate::{listen, ChainConfig, Config, StartError};

/// Who is told what an operator should know, one line each; called from the server's own threads.
pub type Notify = Arc<dyn Fn(&str) + Send + Sync>;

/// What is left of the answers that nobody waits for when the server stops.
const ABANDON: Duration = Duration::from_millis(100);

/// A running server; dropping it breaks off what is in flight.
pub struct Server {
    runtime: Option<Runtime>,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<bool>>,
    address: SocketAddr,
}

impl Server {
    /// Listens and serves, on threads of its own.
    ///
    /// # Errors
    /// Where the configuration does not fit together, or the port cannot be had.
    pub fn start(config: &Config, notify: &Notify) -> Result<Self, StartError> {
        let threads = Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
            .thread_name("pool-server")
            .enable_all()
            .build();
        let runtime = threads.map_err(|error| StartError::Threads(error.to_string()))?;
        let listener = runtime.block_on(listen::bind(&config.host, config.port))?;
        let address = listener.local_addr().map_err(|error| StartError::Listen {
            host: config.host.clone(),
            port: config.port,
            said: error.to_string(),
        })?;
        let metrics = Arc::new(Metrics::new(Instant::now()));
        let app = App {
            chains: chains(config, &runtime, &metrics, notify)?,
            known_chains: known(&config.chains),
            metrics,
            body_bytes_max: config.body_bytes_max,
            request_timeout: Duration::from_millis(config.request_timeout_ms),
        };
        let (stop, stopping) = watch::channel(false);
        let (router, config) = (router(Arc::new(app)), config.clone());
        let serving = runtime.spawn(async move { listen::serve(listener, router, &config, stopping).await });
        Ok(Self { runtime: Some(runtime), stop, serving: Some(serving), address })
    }

    /// Returns where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more, lets requests in flight finish for the configured time, and ends; returns whether all
    /// did. Once stopped, nothing happens.
    pub fn stop(&mut self) -> bool {
        let (Some(runtime), Some(serving)) = (self.runtime.take(), self.serving.take()) else { return true };
        self.stop.send_replace(true);
        let all_finished = runtime.block_on(serving).unwrap_or(false);
        runtime.shutdown_timeout(ABANDON);
        all_finished
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn chains(
    config: &Config,
    runtime: &Runtime,
    metrics: &Arc<Metrics>,
    notify: &Notify,
) -> Result<HashMap<u64, Arc<Chain>>, StartError> {
    let timeout = Duration::from_millis(config.answer_timeout_ms);
    let with_tls =
        config.chains.iter().flat_map(|chain| &chain.http_urls).any(|url| url.starts_with("https:"));
    let client = client(with_tls, timeout)?;
    let limits = ChainLimits {
        cache_duration: config.cache_duration(),
        cache_pools_max: config.cache_pools_max,
        waiting_max: config.waiting_max,
    };
    let mut chains = HashMap::new();
    for one in &config.chains {
        let nodes = nodes(one, &client, timeout, metrics)?;
        let (chain, asks) = Chain::new(one.name.clone(), limits, Arc::clone(metrics));
        let endpoints = Endpoints::new(one.name.clone(), nodes, Arc::clone(metrics), Arc::clone(notify));
        let window = Duration::from_millis(config.batch_window_ms);
        let reader = Arc::new(Reader::new(Arc::clone(&chain), endpoints, window, config.cache_pools_max));
        runtime.spawn(reader.run(asks));
        if chains.insert(one.chain_id, chain).is_some() {
            return Err(StartError::SameChain { chain: one.name.clone(), chain_id: one.chain_id });
        }
    }
    Ok(chains)
}

fn nodes(
    chain: &ChainConfig,
    client: &HttpClient,
    timeout: Duration,
    metrics: &Arc<Metrics>,
) -> Result<Vec<Node>, StartError> {
    if chain.http_urls.is_empty() {
        return Err(StartError::NoUrl(chain.name.clone()));
    }
    let multicall = chain.multicall()?;
    let node = |(index, url): (usize, &String)| {
        let endpoint = Endpoint::new(client.clone(), url, timeout)
            .ok_or_else(|| StartError::Url { chain: chain.name.clone(), number: index + 1 })?;
        Ok(Node {
            endpoint,
            multicall,
            multicall_calls: chain.multicall_calls,
            chain_id: chain.chain_id,
            is_checked: Arc::default(),
            is_by_number: Arc::default(),
            metrics: Arc::clone(metrics),
        })
    };
    chain.http_urls.iter().enumerate().map(node).collect()
}

fn known(chains: &[ChainConfig]) -> String {
    let names: Vec<_> = chains.iter().map(|chain| format!("{} ({})", chain.chain_id, chain.name)).collect();
    if names.is_empty() {
        return "those configured, of which there are none".to_owned();
    }
    names.join(", ")
}
