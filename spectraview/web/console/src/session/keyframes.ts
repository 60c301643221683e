/** Where a player can begin: a Meta event with the full snapshot after it. */

import type { Keyframe } from '../api/models';
import type { EventStore } from './store';

const META = 4;
const FULL_SNAPSHOT = 2;
const LOOK = 5;

export class Keyframes {
  readonly #all: Keyframe[] = [];

  add(keyframe: Keyframe): void {
    let index = this.#all.length;
    while (index > 0 && (this.#all[index - 1]?.sequence ?? 0) > keyframe.sequence) index--;
    if (this.#all[index - 1]?.sequence !== keyframe.sequence) this.#all.splice(index, 0, keyframe);
  }

  /** Add the keyframe of a full snapshot. */
  addSnapshot(store: EventStore, sequence: number): void {
    for (let back = 1; back <= LOOK; back++) {
      const event = store.at(sequence - back);
      if (event?.type === FULL_SNAPSHOT) return;
      if (event?.type !== META) continue;
      this.add({ sequence: sequence - back, timestamp: event.timestamp });
      return;
    }
  }

  /** Return the newest keyframe at a time, or the first one. */
  at(timestamp: number): Keyframe | null {
    return (
      this.#all.findLast((keyframe) => keyframe.timestamp <= timestamp) ?? this.#all[0] ?? null
    );
  }
}

/** Return the first moment at which a keyframe's page can be seen. */
export function drawnFrom(store: EventStore, keyframe: Keyframe): number {
  for (let next = 0; next <= LOOK; next++) {
    const event = store.at(keyframe.sequence + next);
    if (event?.type === FULL_SNAPSHOT) return event.timestamp + 1;
  }
  return keyframe.timestamp;
}
