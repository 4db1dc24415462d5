// Plays one stream and notes, for each picture that comes up, its time code and the page's clock.

const video = document.getElementById("picture");
const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });

let peer = null;
let receiver = null;
let shown = []; // [code, shownMs, presentedMs, presentedFrames, receiveMs] of each picture

// As benchmarks/timecode.py has it: `bits` blocks along the top, lowest bit first, as high as this
// share of the picture, which a weak line gets at half its size.
function readCode(bits, share) {
  const width = video.videoWidth;
  const rows = Math.round(share * video.videoHeight);
  const height = Math.max(1, rows >> 1);
  if (canvas.width !== width) [canvas.width, canvas.height] = [width, height];
  context.drawImage(video, 0, rows >> 2, width, height, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  let code = 0;
  for (let bit = 0; bit < bits; bit += 1) {
    const centre = Math.floor(((2 * bit + 1) * width) / (2 * bits));
    let sum = 0;
    for (let y = 0; y < height; y += 1) {
      for (let x = centre - 2; x <= centre + 2; x += 1) sum += data[(y * width + x) * 4 + 1];
    }
    if (sum > 125 * 5 * height) code += 2 ** bit;
  }
  return code;
}

function follow(bits, share) {
  const onPicture = (_, picture) => {
    const nowMs = performance.now(); // before the reading, which is the benchmark's own cost
    video.requestVideoFrameCallback(onPicture);
    shown.push([readCode(bits, share), nowMs, picture.presentationTime, picture.presentedFrames,
      picture.receiveTime ?? null]);
  };
  video.requestVideoFrameCallback(onPicture);
}

// Another way to look: at each of the display's frames, which picture is it that would be drawn?
function followDisplay(bits, share) {
  let last = -1;
  const onFrame = () => {
    const nowMs = performance.now();
    requestAnimationFrame(onFrame);
    if (video.videoWidth === 0) return;
    const code = readCode(bits, share);
    if (code !== last) shown.push([code, nowMs, nowMs, 0, null]);
    last = code;
  };
  requestAnimationFrame(onFrame);
}

// As live/console/viewer/viewer.js asks for the show.
async function watchOurs(codec) {
  peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
  receiver = transceiver.receiver;
  if (codec) prefer(transceiver, codec);
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
  video.srcObject = new MediaStream([receiver.track]);
  await peer.setLocalDescription();
  const headers = { "Content-Type": "application/sdp" };
  const got = await fetch("whep", { method: "POST", headers, body: peer.localDescription.sdp });
  const sdp = await got.text();
  if (!got.ok) throw new Error(sdp);
  await peer.setRemoteDescription({ type: "answer", sdp });
}

function prefer(transceiver, codec) {
  const { codecs } = RTCRtpReceiver.getCapabilities("video");
  const wanted = [codec, "rtx"].map((name) => `video/${name}`.toLowerCase());
  transceiver.setCodecPreferences(codecs.filter((one) => wanted.includes(one.mimeType.toLowerCase())));
}

// As aiortc's examples/webcam/client.js asks; it gives no hint about the jitter buffer.
async function watchStock(codec) {
  peer = new RTCPeerConnection({ sdpSemantics: "unified-plan" });
  const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
  receiver = transceiver.receiver;
  video.srcObject = new MediaStream([receiver.track]);
  await peer.setLocalDescription(await peer.createOffer());
  const { sdp, type } = peer.localDescription;
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ sdp, type });
  const got = await fetch(`offer?codec=${codec}`, { method: "POST", headers, body });
  if (!got.ok) throw new Error(await got.text());
  await peer.setRemoteDescription(await got.json());
}

async function statistics() {
  for (const one of (await receiver.getStats()).values()) {
    if (one.type === "inbound-rtp") return { ...one };
  }
  return null;
}

// What came since the last call.
function take() {
  const taken = shown;
  shown = [];
  return taken;
}
