/** The side panels, one at a time. */

import { type KeyboardEvent, useRef, useState } from 'react';
import { useTexts } from '../i18n/texts';
import type { Player } from '../player/player';
import type { SessionSource } from '../session/source';
import { useObserved } from '../ui/observable';
import { ActivityPanel } from './ActivityPanel';
import { ConsolePanel } from './ConsolePanel';
import { CustomEventsPanel } from './CustomEventsPanel';
import { DetailsPanel } from './DetailsPanel';
import { ErrorsPanel } from './ErrorsPanel';

export interface PanelProps {
  source: SessionSource;
  player: Player;
}

const PANELS = {
  activity: ActivityPanel,
  errors: ErrorsPanel,
  customEvents: CustomEventsPanel,
  console: ConsolePanel,
  details: DetailsPanel,
} as const;
type Name = keyof typeof PANELS;
const NAMES = Object.keys(PANELS) as Name[];

export function Panels({ source, player }: PanelProps) {
  const texts = useTexts().panels;
  const [shown, setShown] = useState<Name>('activity');
  const tabs = useRef<HTMLDivElement>(null);
  useObserved(source);
  const counts: Partial<Record<Name, number>> = {
    errors: source.marks.errors.size,
    customEvents: source.marks.customEvents.size,
    console: source.marks.console.length,
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = NAMES[(NAMES.indexOf(shown) + step + NAMES.length) % NAMES.length];
    if (!next) return;
    setShown(next);
    tabs.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  const Panel = PANELS[shown];
  return (
    <aside className="panels" aria-label={texts.title}>
      <div ref={tabs} role="tablist" className="tabs" onKeyDown={move}>
        {NAMES.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={name === shown}
            aria-controls="panel"
            tabIndex={name === shown ? 0 : -1}
            onClick={() => setShown(name)}
          >
            {texts[name]}
            {counts[name] ? <span className={`badge ${name}`}>{counts[name]}</span> : null}
          </button>
        ))}
      </div>
      <div
        id="panel"
        role="tabpanel"
        aria-labelledby={`tab-${shown}`}
        className="panel"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it.
        tabIndex={0}
      >
        <Panel source={source} player={player} />
      </div>
    </aside>
  );
}
