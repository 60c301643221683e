/** A state that React can watch with useSyncExternalStore. */

import { useSyncExternalStore } from 'react';

export class Observable<State extends object> {
  #state: State;
  readonly #watchers = new Set<() => void>();

  constructor(initial: State) {
    this.#state = initial;
  }

  get state(): State {
    return this.#state;
  }

  subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  snapshot = (): State => this.#state;

  protected set(changes: Partial<State>): void {
    this.#state = { ...this.#state, ...changes };
    for (const watcher of this.#watchers) watcher();
  }
}

export function useObserved<State extends object>(observable: Observable<State>): State {
  return useSyncExternalStore(observable.subscribe, observable.snapshot);
}
