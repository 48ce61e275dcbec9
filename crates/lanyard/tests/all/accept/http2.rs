//! HTTP/2, frame by frame.

use lanyard_cli::serve::accept::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::peer::{PATIENCE, Peer, Server};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// HPACK: GET, http, /, and `a` as authority.
const GET_ROOT: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];
const END_STREAM_AND_HEADERS: u8 = 0x5;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

async fn next_frame(peer: &mut Peer) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 9];
    timeout(PATIENCE, peer.0.read_exact(&mut head)).await.expect("a frame in time").ok()?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    timeout(PATIENCE, peer.0.read_exact(&mut payload)).await.expect("a payload in time").ok()?;
    Some((head[3], payload))
}

async fn open(server: &Server) -> Peer {
    let mut peer = server.connect().await;
    peer.0.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.expect("open");
    peer
}

#[tokio::test]
async fn a_request_is_answered_and_the_stream_limit_is_told() {
    let server = Server::with(Limits::default()).await;
    let mut peer = open(&server).await;
    peer.0.write_all(&frame(HEADERS, END_STREAM_AND_HEADERS, 1, GET_ROOT)).await.expect("open");
    let (kind, settings) = next_frame(&mut peer).await.expect("settings");
    assert_eq!(kind, SETTINGS);
    let told = settings.chunks(6).any(|setting| setting == [0, 3, 0, 0, 0, 100]);
    assert!(told, "SETTINGS_MAX_CONCURRENT_STREAMS is not 100: {settings:?}");
    loop {
        let (kind, payload) = next_frame(&mut peer).await.expect("an answer");
        if kind == HEADERS {
            assert_eq!(payload[0], 0x88, "HPACK for status 200");
            return;
        }
    }
}

#[tokio::test]
async fn a_rapid_reset_ends_the_connection() {
    let server = Server::with(Limits::default()).await;
    let mut peer = open(&server).await;
    let mut flood = Vec::new();
    for n in 0..2000 {
        flood.extend(frame(HEADERS, END_STREAM_AND_HEADERS, 2 * n + 1, GET_ROOT));
        flood.extend(frame(RST_STREAM, 0, 2 * n + 1, &8_u32.to_be_bytes()));
    }
    // The server may be gone before all of it is written.
    let _ = peer.0.write_all(&flood).await;
    let mut told = false;
    while let Some((kind, _)) = next_frame(&mut peer).await {
        told |= kind == GOAWAY;
    }
    assert!(told, "the connection ended without GOAWAY");
}
