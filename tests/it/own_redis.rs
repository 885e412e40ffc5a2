//! Redis servers and Sentinels of one test's own, as plain processes that end with it: to be flushed, frozen, demoted
//! and killed. The one that `scripts/test` starts is shared by all tests and is left alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use daraa_platform::config::Secret;
use daraa_platform::random::Random;
use daraa_platform::redis::{RedisPool, SentinelConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What starting, fail-over and recovery may take on a busy machine: a bound, not a measure.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// The name under which the Sentinels watch.
pub const MASTER: &str = "daraa";
/// A condition is looked at again after this.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long one raw command may take; a frozen server does not answer.
const SAY_WITHIN: Duration = Duration::from_secs(2);
/// A port that was free a moment ago may be taken: then another one is tried.
const PORT_TRIES: u32 = 5;

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    while !holds().await {
        assert!(since.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tick.tick().await;
    }
}

/// Where `scripts/lib/parts.sh` finds or puts it.
fn program() -> PathBuf {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.daraa/parts/redis-server");
    if fetched.exists() { fetched } else { "redis-server".into() }
}

/// One server or Sentinel.
#[derive(Debug)]
pub struct OwnRedis {
    child: Child,
    dir: PathBuf,
    port: u16,
    password: String,
}

impl OwnRedis {
    /// A server with a password and memory only.
    pub async fn start() -> Self {
        Self::with_password(&Random::from_os().token()).await
    }

    /// [`Self::start`] with a known password.
    pub async fn with_password(password: &str) -> Self {
        Self::server(password, None).await
    }

    async fn server(password: &str, replica_of: Option<u16>) -> Self {
        let mut lines = format!(
            "requirepass {password}\nmasterauth {password}\nmaxmemory 64mb\nmaxmemory-policy allkeys-lru\n\
             save \"\"\nappendonly no\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 0\n"
        );
        if let Some(port) = replica_of {
            writeln!(lines, "replicaof 127.0.0.1 {port}").unwrap();
        }
        Self::spawn(&lines, password, &[]).await
    }

    async fn sentinel(master: u16, password: &str, own: &str) -> Self {
        let lines = format!(
            "requirepass {own}\nsentinel sentinel-pass {own}\nsentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
             sentinel auth-pass {MASTER} {password}\nsentinel down-after-milliseconds {MASTER} 1000\n\
             sentinel failover-timeout {MASTER} 5000\n"
        );
        Self::spawn(&lines, own, &["--sentinel"]).await
    }

    async fn spawn(lines: &str, password: &str, args: &[&str]) -> Self {
        for _ in 0..PORT_TRIES {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let dir =
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("redis-{}-{port}", std::process::id()));
            std::fs::create_dir_all(&dir).unwrap();
            let conf = dir.join("redis.conf");
            let text = format!(
                "bind 127.0.0.1\nport {port}\ndir \"{}\"\ndaemonize no\nset-proc-title no\n{lines}",
                dir.display()
            );
            std::fs::write(&conf, text).unwrap();
            let log = std::fs::File::create(dir.join("log")).unwrap();
            let child = Command::new(program())
                .arg(&conf)
                .args(args)
                .stdin(Stdio::null())
                .stderr(log.try_clone().unwrap())
                .stdout(log)
                .spawn()
                .expect("redis-server; scripts/test installs it");
            let mut one = Self { child, dir, port, password: password.to_owned() };
            let mut gone = false;
            until("a redis that answers", async || {
                gone = one.child.try_wait().unwrap().is_some();
                gone || one.say("PING").await.is_some_and(|answer| answer.contains("+PONG"))
            })
            .await;
            if !gone {
                return one;
            }
        }
        panic!("redis-server does not start");
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn password(&self) -> Secret {
        Secret::new(self.password.clone())
    }

    /// What it answers to one command, past every pool; `None` when it does not.
    pub async fn say(&self, command: &str) -> Option<String> {
        let talk = async {
            let mut peer = TcpStream::connect(self.addr()).await.ok()?;
            peer.write_all(format!("AUTH {}\r\n{command}\r\n", self.password).as_bytes()).await.ok()?;
            // It answers what was said and hangs up; a Sentinel knows no QUIT.
            peer.shutdown().await.ok()?;
            let mut answer = Vec::new();
            peer.read_to_end(&mut answer).await.ok()?;
            Some(String::from_utf8_lossy(&answer).strip_prefix("+OK\r\n")?.to_owned())
        };
        tokio::time::timeout(SAY_WITHIN, talk).await.ok().flatten()
    }

    /// How often a command was done since the start or `CONFIG RESETSTAT`.
    pub async fn calls(&self, command: &str) -> u64 {
        let stats = self.say("INFO commandstats").await.expect("statistics");
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|rest| rest.split(',').next()).map_or(0, |calls| calls.parse().unwrap())
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// It takes connections and answers nobody.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

/// A master, a replica and three Sentinels that watch them.
#[derive(Debug)]
pub struct RedisSet {
    pub servers: Vec<OwnRedis>,
    pub sentinels: Vec<OwnRedis>,
    password: String,
    sentinel_password: String,
}

impl RedisSet {
    pub async fn start() -> Self {
        let random = Random::from_os();
        let (password, sentinel_password) = (random.token(), random.token());
        let master = OwnRedis::server(&password, None).await;
        let replica = OwnRedis::server(&password, Some(master.port)).await;
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            sentinels.push(OwnRedis::sentinel(master.port, &password, &sentinel_password).await);
        }
        let set = Self { servers: vec![master, replica], sentinels, password, sentinel_password };
        set.until_healthy().await;
        set
    }

    /// Every Sentinel knows the other two, and a replica it can promote.
    pub async fn until_healthy(&self) {
        until("a healthy set", async || {
            for sentinel in &self.sentinels {
                let Some(about) = sentinel.say(&format!("SENTINEL MASTER {MASTER}")).await else {
                    return false;
                };
                let value = |field: &str| about.lines().skip_while(|line| *line != field).nth(2);
                if value("num-other-sentinels") != Some("2") || value("flags") != Some("master") {
                    return false;
                }
                let Some(replicas) = sentinel.say(&format!("SENTINEL REPLICAS {MASTER}")).await else {
                    return false;
                };
                let ok = replicas.lines().skip_while(|line| *line != "master-link-status").nth(2);
                if ok != Some("ok") || replicas.lines().any(|line| line.contains("_down")) {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// A pool that asks these Sentinels.
    pub fn pool(&self) -> RedisPool {
        let config = SentinelConfig {
            addrs: self.sentinels.iter().map(OwnRedis::addr).collect(),
            master: MASTER.to_owned(),
            password: Secret::new(self.sentinel_password.clone()),
        };
        RedisPool::by_sentinels(&config, &Secret::new(self.password.clone()), "set:").unwrap()
    }

    /// Which server a Sentinel that still runs takes for the master.
    pub async fn chosen(&self) -> usize {
        for sentinel in &self.sentinels {
            let ask = format!("SENTINEL get-master-addr-by-name {MASTER}");
            let Some(answer) = sentinel.say(&ask).await else { continue };
            let port: u16 = answer.lines().nth(4).expect("a port").parse().expect("a number");
            return self.servers.iter().position(|server| server.port == port).expect("one of ours");
        }
        panic!("no sentinel answers");
    }
}
