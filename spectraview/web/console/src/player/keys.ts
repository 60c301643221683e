/** The player's keys. */

import { useEffect } from 'react';
import type { Player } from './player';

const STEP = 5000;
const LONG_STEP = 30_000;

export function toggleFullscreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.querySelector('.player')?.requestFullscreen?.();
}

export function useKeys(player: Player): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      const action = actionOf(event, player);
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [player]);
}

function isTyping({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches('input:not([type="range"], [type="checkbox"]), select, textarea')) return true;
  // Space and arrows have a meaning of their own on these.
  if (key === ' ') return target.matches('button, a, summary, input[type="checkbox"]');
  return key.startsWith('Arrow') && target.matches('[role="tab"]');
}

function actionOf(event: KeyboardEvent, player: Player): (() => void) | null {
  const step = event.shiftKey ? LONG_STEP : STEP;
  switch (event.key.toLowerCase()) {
    case ' ':
    case 'k':
      return () => player.toggle();
    case 'arrowleft':
      return () => player.seekBy(-step);
    case 'arrowright':
      return () => player.seekBy(step);
    case 'f':
      return toggleFullscreen;
    case 'l':
      return () => void player.goLive();
    default:
      return null;
  }
}
