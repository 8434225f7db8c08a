//! Who may connect, for how long, and how the server stops: requests in flight finish, within bounds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{lookup_host, TcpListener, TcpSocket, TcpStream};
use tokio::sync::{watch, Semaphore};
use tokio_io_timeout::TimeoutStream;

use crate::{Config, StartError};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1_024;
/// Of a request's head.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How long no connection is accepted after one could not be: the process has no file left.
const PAUSE: Duration = Duration::from_millis(50);

/// Returns the socket that the server listens at.
pub(crate) async fn bind(host: &str, port: u16) -> Result<TcpListener, StartError> {
    let failed = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::AddrInUse => StartError::Taken { host: host.to_owned(), port },
        _ => StartError::Listen { host: host.to_owned(), port, said: error.to_string() },
    };
    let mut addresses = lookup_host((host, port)).await.map_err(|error| failed(&error))?;
    let none = || StartError::Listen { host: host.to_owned(), port, said: "it has no address".to_owned() };
    let address = addresses.next().ok_or_else(none)?;
    listen(address).map_err(|error| failed(&error))
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` says so; returns whether all requests in flight finished in time.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    config: &Config,
    mut stop: watch::Receiver<bool>,
) -> bool {
    let idle = Duration::from_millis(config.idle_timeout_ms);
    let slots = Arc::new(Semaphore::new(config.connections_max));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(HEAD_BYTES_MAX);
    loop {
        let slot = tokio::select! {
            Ok(slot) = Arc::clone(&slots).acquire_owned() => slot,
            _ = stop.wait_for(|is_stopping| *is_stopping) => break,
        };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|is_stopping| *is_stopping) => break,
        };
        let Ok((stream, _)) = stream else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let io = TokioIo::new(Box::pin(bounded(stream, idle)));
        let connection = http.serve_connection(io, TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _ = connection.await; // a connection that broke off has nobody left to be told
            drop(slot);
        });
    }
    drop(listener);
    let all_finished =
        tokio::time::timeout(Duration::from_millis(config.stop_timeout_ms), graceful.shutdown());
    all_finished.await.is_ok()
}

/// Returns `stream`, which breaks off where the other side does not take what is written to it.
fn bounded(stream: TcpStream, write_timeout: Duration) -> TimeoutStream<TcpStream> {
    let _ = stream.set_nodelay(true); // only makes it faster
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_timeout));
    stream
}
