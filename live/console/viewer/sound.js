// The show's sound, where it has one. Browsers start no sound by themselves: somebody taps.

const INVITATION_S = 10; // after that the control fades with the others

export class Sound {
  constructor(video, play) {
    this.video = video;
    this.play = play;
    this.button = document.getElementById("sound");
    this.button.addEventListener("click", () => this.toggle());
    this.invited = false;
    this.show();
  }

  // A new connection has sound, or has none.
  offer(audible) {
    this.button.hidden = !audible;
    if (!audible || this.invited) return;
    this.invited = true; // once: a picture that comes back says nothing new
    this.invite(true);
    setTimeout(() => this.invite(false), INVITATION_S * 1000);
  }

  invite(inviting) {
    this.button.classList.toggle("inviting", inviting);
    document.getElementById("sound-words").textContent = inviting ? "Tap for sound" : "Sound";
  }

  toggle() {
    if (this.button.hidden) return;
    this.invite(false);
    this.video.muted = !this.video.muted;
    this.show();
    this.play();
  }

  mute() {
    this.video.muted = true;
    this.show();
  }

  show() {
    this.button.setAttribute("aria-pressed", String(!this.video.muted));
  }
}
