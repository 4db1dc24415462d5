// The last picture, kept above the video, which goes black with its connection.

export class Held {
  constructor(canvas, video) {
    this.canvas = canvas;
    this.video = video;
  }

  hold() {
    const { canvas, video } = this;
    if (!canvas.hidden || video.readyState < video.HAVE_CURRENT_DATA) return;
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.hidden = false;
  }

  letGo() {
    this.canvas.hidden = true;
  }
}
