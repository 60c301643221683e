/** The events of a session that are here, by sequence: contiguous runs with gaps between them. */

import type { RecordedEvent } from '../api/models';

interface Run {
  first: number;
  events: RecordedEvent[];
}

const endOf = (run: Run) => run.first + run.events.length;

export class EventStore {
  #runs: Run[] = [];

  /** Add contiguous events; return those that were not here yet, with the sequence of each. */
  add(first: number, events: RecordedEvent[]): { sequence: number; event: RecordedEvent }[] {
    const fresh: { sequence: number; event: RecordedEvent }[] = [];
    for (const [from, to] of this.missing(first, first + events.length - 1)) {
      const piece = events.slice(from - first, to - first + 1);
      piece.forEach((event, index) => {
        fresh.push({ sequence: from + index, event });
      });
      this.#insert({ first: from, events: piece });
    }
    return fresh;
  }

  /** Return the gaps between two sequences, both included. */
  missing(first: number, last: number): [number, number][] {
    const gaps: [number, number][] = [];
    let next = first;
    for (const run of this.#runs) {
      if (endOf(run) <= next) continue;
      if (run.first > last) break;
      if (run.first > next) gaps.push([next, run.first - 1]);
      next = endOf(run);
    }
    if (next <= last) gaps.push([next, last]);
    return gaps;
  }

  /** Return the events from a sequence up to the next gap. */
  from(sequence: number): RecordedEvent[] {
    const run = this.#runs.find((run) => run.first <= sequence && sequence < endOf(run));
    return run ? run.events.slice(sequence - run.first) : [];
  }

  /** Return the event at a sequence, if it is here. */
  at(sequence: number): RecordedEvent | undefined {
    const run = this.#runs.find((run) => run.first <= sequence && sequence < endOf(run));
    return run?.events[sequence - run.first];
  }

  /** Return the spans of time that are here. */
  spans(): { from: number; to: number }[] {
    return this.#runs.map((run) => ({
      from: run.events[0]?.timestamp ?? 0,
      to: run.events.at(-1)?.timestamp ?? 0,
    }));
  }

  #insert(run: Run): void {
    let index = this.#runs.findIndex((other) => other.first > run.first);
    if (index < 0) index = this.#runs.length;
    const before = this.#runs[index - 1];
    const after = this.#runs[index];
    if (before && endOf(before) === run.first) {
      // Not spread: a part may hold more events than a call may have arguments.
      for (const event of run.events) before.events.push(event);
      if (after && endOf(before) === after.first) {
        for (const event of after.events) before.events.push(event);
        this.#runs.splice(index, 1);
      }
      return;
    }
    if (after && endOf(run) === after.first) {
      after.events = run.events.concat(after.events);
      after.first = run.first;
      return;
    }
    this.#runs.splice(index, 0, run);
  }
}
