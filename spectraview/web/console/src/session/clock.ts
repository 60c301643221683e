/** Tells the recorder's time: its clock is not ours, and may be wrong by days. */

const LONGEST_SILENCE = 3_600_000;
const DRIFT_PER_BATCH = 5;

export class RecorderClock {
  #offset: number | null = null;
  #isMeasured = false;

  /** Note the newest event of a batch that has just come. */
  measure(timestamp: number, now: number): void {
    const offset = now - timestamp;
    // A batch may come late but never early, so the smallest offset is the truest.
    if (!this.#isMeasured || this.#offset === null) this.#offset = offset;
    else this.#offset = Math.min(offset, this.#offset + DRIFT_PER_BATCH);
    this.#isMeasured = true;
  }

  /** Return the recorder's time; before anything was measured, take the clocks for equal if the
   * newest event allows it. */
  now(newest: number, now: number): number {
    if (this.#offset === null) {
      const silence = now - newest;
      this.#offset = silence >= 0 && silence < LONGEST_SILENCE ? 0 : silence;
    }
    return Math.max(newest, now - this.#offset);
  }
}
