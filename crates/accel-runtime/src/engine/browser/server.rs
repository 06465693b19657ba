//! The server that the page talks to: it hands out jobs and takes answers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::files::{MODULE, WASM};
use super::message::{self, Message};

const PAGE: &str = include_str!("page.html");

/// How long a request for a job waits for one. Then the page asks again.
const POLL: Duration = Duration::from_secs(10);

/// The longest line of a request's head.
const LINE_BYTES: u64 = 8 * 1024;

/// What a wasm module can address: no answer is larger.
const BODY_BYTES: usize = 1 << 32;

/// Something that the page may fetch.
#[derive(Clone, Debug)]
pub(super) enum Content {
    File(PathBuf),
    Bytes(Arc<Vec<u8>>),
}

/// A server on this machine alone, for one page.
#[derive(Debug)]
pub(super) struct Server {
    shared: Arc<Shared>,
    port: u16,
}

#[derive(Debug)]
struct Shared {
    secret: String,
    web: PathBuf,
    stopped: AtomicBool,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<(u64, Vec<u8>)>,
    answers: HashMap<u64, mpsc::Sender<Message>>,
    /// The job that the page has, and since when.
    running: Option<(u64, Instant)>,
    /// When the page was last heard of.
    heard: Option<Instant>,
    contents: BTreeMap<String, Content>,
    /// Open connections by the port of their other end.
    connections: BTreeMap<u16, TcpStream>,
}

impl Server {
    /// Listens on a port that the system chooses.
    pub(super) fn start(web: PathBuf) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            secret: secret(),
            web,
            stopped: AtomicBool::new(false),
            state: Mutex::default(),
            arrived: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        thread::Builder::new().name("browser server".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if serving.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&serving);
                // Without a thread the connection closes, and the page tries again.
                let _ = thread::Builder::new()
                    .name("browser connection".to_owned())
                    .spawn(move || shared.converse(stream));
            }
        })?;
        Ok(Self { shared, port })
    }

    /// The page's address.
    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.shared.secret)
    }

    /// Queues a job; its answer comes through the receiver.
    pub(super) fn submit(&self, id: u64, job: Vec<u8>) -> mpsc::Receiver<Message> {
        let (sender, receiver) = mpsc::channel();
        let mut state = self.shared.state();
        state.answers.insert(id, sender);
        state.jobs.push_back((id, job));
        self.shared.arrived.notify_one();
        receiver
    }

    /// Since when the page has had this job; `None` while it waits in the queue.
    pub(super) fn running_since(&self, id: u64) -> Option<Instant> {
        self.shared.state().running.filter(|(it, _)| *it == id).map(|(_, since)| since)
    }

    /// When the page was last heard of, if ever.
    pub(super) fn heard(&self) -> Option<Instant> {
        self.shared.state().heard
    }

    /// Lets the page fetch `content` at `content/NAME`.
    pub(super) fn offer(&self, name: &str, content: Content) {
        self.shared.state().contents.insert(name.to_owned(), content);
    }

    /// Forgets what was offered at `content/NAME`.
    pub(super) fn withdraw(&self, name: &str) {
        self.shared.state().contents.remove(name);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for connection in self.shared.state().connections.values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.shared.arrived.notify_all();
        // The listener waits in `accept`, where only a connection wakes it.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// 128 bits that no other process knows: the keys of the standard library's hashers come from
/// the system.
fn secret() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

/// A request, its body not yet read.
struct Request {
    method: String,
    path: String,
    length: usize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers requests of one connection until it closes.
    fn converse(&self, stream: TcpStream) {
        // Answers are small and late; waiting to fill a packet would take 40 ms each.
        let _ = stream.set_nodelay(true);
        let (Ok(peer), Ok(reading), Ok(kept)) =
            (stream.peer_addr(), stream.try_clone(), stream.try_clone())
        else {
            return;
        };
        self.state().connections.insert(peer.port(), kept);
        let mut reader = BufReader::new(reading);
        let mut writer = stream;
        // A connection that breaks is the page's to open again.
        while matches!(self.exchange(&mut reader, &mut writer), Ok(true)) {}
        let _ = writer.shutdown(Shutdown::Both);
        self.state().connections.remove(&peer.port());
    }

    /// One request and its response; whether the connection goes on.
    fn exchange(
        &self,
        reader: &mut BufReader<TcpStream>,
        writer: &mut TcpStream,
    ) -> io::Result<bool> {
        let Some(request) = request(reader)? else { return Ok(false) };
        // Before anything else of the request is looked at: any page that this user has open in
        // another browser can send requests here.
        let inside = request.path.strip_prefix('/').and_then(|it| it.strip_prefix(&self.secret));
        let Some(path) = inside.and_then(|it| it.strip_prefix('/')) else {
            respond(writer, "403 Forbidden", "text/plain", b"this page is not for you\n")?;
            return Ok(false);
        };
        if request.length > BODY_BYTES {
            respond(writer, "413 Content Too Large", "text/plain", b"")?;
            return Ok(false);
        }
        let mut body = vec![0; request.length];
        reader.read_exact(&mut body)?;
        match (request.method.as_str(), path) {
            ("GET", "") => respond(writer, "200 OK", "text/html", PAGE.as_bytes())?,
            ("POST", "alive") => {
                self.state().heard = Some(Instant::now());
                respond(writer, "204 No Content", "text/plain", b"")?;
            }
            ("POST", "next") => match self.next(&body) {
                Some(job) => respond(writer, "200 OK", "application/octet-stream", &job)?,
                None => respond(writer, "204 No Content", "text/plain", b"")?,
            },
            ("GET", path) => match self.content(path) {
                Some((kind, content)) => send(writer, kind, &content)?,
                None => respond(writer, "404 Not Found", "text/plain", b"")?,
            },
            _ => respond(writer, "405 Method Not Allowed", "text/plain", b"")?,
        }
        Ok(!self.stopped.load(Ordering::Relaxed))
    }

    /// Takes the answer to the last job, if there is one, and waits for the next job.
    fn next(&self, answer: &[u8]) -> Option<Vec<u8>> {
        let mut state = self.state();
        state.heard = Some(Instant::now());
        if let Some((head, bytes)) = message::decode(answer) {
            state.running = None;
            let sender = head["id"].as_u64().and_then(|id| state.answers.remove(&id));
            if let Some(sender) = sender {
                // Who asked may have given up.
                let _ = sender.send((head, bytes));
            }
        }
        let waiting =
            |state: &mut State| state.jobs.is_empty() && !self.stopped.load(Ordering::Relaxed);
        let waited = self.arrived.wait_timeout_while(state, POLL, waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let (id, job) = state.jobs.pop_front()?;
        state.running = Some((id, Instant::now()));
        Some(job)
    }

    fn content(&self, path: &str) -> Option<(&'static str, Content)> {
        if let Some(name) = path.strip_prefix("content/") {
            let content = self.state().contents.get(name).cloned()?;
            return Some(("application/octet-stream", content));
        }
        let kind = match path.strip_prefix("ort/")? {
            MODULE => "text/javascript",
            WASM => "application/wasm",
            _ => return None,
        };
        Some((kind, Content::File(self.web.join(path.strip_prefix("ort/")?))))
    }
}

/// Reads a request's head; `None` at the connection's end.
fn request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.take(LINE_BYTES).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let mut request = Request { method: word(), path: word(), length: 0 };
    loop {
        line.clear();
        if reader.take(LINE_BYTES).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let header = line.trim_end();
        if header.is_empty() {
            return Ok(Some(request));
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            let malformed = |_| io::Error::from(io::ErrorKind::InvalidData);
            request.length = value.trim().parse().map_err(malformed)?;
        }
    }
}

fn head(status: &str, kind: &str, length: u64) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\n\r\n"
    )
}

fn respond(writer: &mut TcpStream, status: &str, kind: &str, body: &[u8]) -> io::Result<()> {
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let mut response = head(status, kind, length).into_bytes();
    response.extend_from_slice(body);
    writer.write_all(&response)
}

fn send(writer: &mut TcpStream, kind: &str, content: &Content) -> io::Result<()> {
    match content {
        Content::Bytes(bytes) => respond(writer, "200 OK", kind, bytes),
        Content::File(path) => {
            let Ok(mut file) = File::open(path) else {
                return respond(writer, "404 Not Found", "text/plain", b"");
            };
            let length = file.metadata()?.len();
            writer.write_all(head("200 OK", kind, length).as_bytes())?;
            io::copy(&mut file, writer).map(|_| ())
        }
    }
}
