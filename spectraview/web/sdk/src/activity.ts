const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'scroll', 'touchstart', 'wheel'] as const;
const OPTIONS = { capture: true, passive: true } as const;

/** Watches for signs of the user. */
export class Activity {
  /** When the user was last noticed. */
  at = Date.now();
  private readonly note = (): void => {
    this.at = Date.now();
    if (this.asleep) this.awake();
  };

  /** @param awake called at each sign while `asleep` */
  constructor(private readonly awake: () => void) {}

  asleep = false;

  start(): void {
    SIGNS.forEach((name) => document.addEventListener(name, this.note, OPTIONS));
    window.addEventListener('focus', this.note, OPTIONS);
  }

  stop(): void {
    SIGNS.forEach((name) => document.removeEventListener(name, this.note, OPTIONS));
    window.removeEventListener('focus', this.note, OPTIONS);
  }
}
