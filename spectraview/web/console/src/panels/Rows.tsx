/** A list of moments, each of which leads to its place in the recording. */

import { type ReactNode, useState, useSyncExternalStore } from 'react';
import { useTexts } from '../i18n/texts';
import type { Player } from '../player/player';
import type { SessionSource } from '../session/source';
import { clock } from '../ui/format';

export interface Row {
  key: string;
  timestamp: number;
  kind: string;
  title: ReactNode;
  more?: ReactNode;
}

interface Props {
  rows: Row[];
  none: string;
  source: SessionSource;
  player: Player;
}

const PAGE = 300;

export function Rows({ rows, none, source, player }: Props) {
  const texts = useTexts().panels;
  const [most, setMost] = useState(PAGE);
  const start = source.state.start ?? 0;
  const sorted = [...rows].sort((one, other) => one.timestamp - other.timestamp);
  // Whole seconds: a list need not be drawn anew with each frame.
  const second = useSyncExternalStore(player.subscribe, () => Math.floor(player.state.time / 1000));
  const current = sorted.findLastIndex((row) => row.timestamp < 1000 * (second + 1));
  if (!sorted.length) return <p className="none muted">{none}</p>;
  return (
    <>
      <ol className="rows">
        {sorted.slice(0, most).map((row, index) => (
          <li key={row.key} className={row.kind} aria-current={index === current || undefined}>
            <button
              type="button"
              className="go-to"
              aria-label={texts.goTo(clock(row.timestamp - start))}
              onClick={() => void player.seek(row.timestamp)}
            >
              {clock(row.timestamp - start)}
            </button>
            <div className="row-text">
              {row.title}
              {row.more}
            </div>
          </li>
        ))}
      </ol>
      {sorted.length > most && (
        <button type="button" className="link" onClick={() => setMost(most + PAGE)}>
          {texts.more(Math.min(PAGE, sorted.length - most))}
        </button>
      )}
    </>
  );
}
