/** The session's time: activity, inactivity, marks, what is loaded, and where the player stands. */

import { memo, useMemo, useState } from 'react';
import { useTexts } from '../i18n/texts';
import type { Mark } from '../session/marks';
import type { SessionSource } from '../session/source';
import { binsOf } from '../ui/bins';
import { clock } from '../ui/format';
import { useObserved } from '../ui/observable';
import type { Player } from './player';

const FEWEST_BARS = 40;
const MOST_BARS = 150;
const BAR_MILLISECONDS = 700;
const MOST_MARKS = 400;
const STEP = 100;

interface Props {
  source: SessionSource;
  player: Player;
}

export function Timeline({ source, player }: Props) {
  const texts = useTexts().player;
  const { start, end, isLive, buffered, revision } = useObserved(source);
  const { time } = useObserved(player);
  const [hovered, setHovered] = useState<number | null>(null);
  const from = start ?? 0;
  // Whole seconds, so that the picture of a live session is not drawn anew all the time.
  const to = isLive ? Math.ceil(source.edge() / 1000) * 1000 : (end ?? from);
  const length = Math.max(1, to - from);
  const share = (timestamp: number) => `${(100 * (timestamp - from)) / length}%`;

  return (
    <div
      className="timeline"
      onPointerMove={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        setHovered(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
      }}
      onPointerLeave={() => setHovered(null)}
    >
      <Picture source={source} from={from} to={to} revision={revision} />
      <div className="buffered" aria-hidden="true">
        {buffered.map((span) => (
          <span
            key={span.from}
            style={{ left: share(span.from), width: `${(100 * (span.to - span.from)) / length}%` }}
          />
        ))}
      </div>
      <div className="played" style={{ width: share(Math.min(time, to)) }} aria-hidden="true" />
      {hovered !== null && (
        <span className="hover-time" style={{ left: `${100 * hovered}%` }} aria-hidden="true">
          {clock(hovered * length)}
        </span>
      )}
      <input
        type="range"
        aria-label={texts.timeline}
        aria-valuetext={texts.position(clock(time - from), clock(length))}
        min={0}
        max={length}
        step={STEP}
        value={Math.min(length, Math.max(0, time - from))}
        onChange={(event) => void player.seek(from + Number(event.target.value))}
      />
    </div>
  );
}

interface PictureProps {
  source: SessionSource;
  from: number;
  to: number;
  revision: number;
}

/** All that changes only when something has come. */
const Picture = memo(function Picture({ source, from, to, revision }: PictureProps) {
  const texts = useTexts().marks;
  const length = Math.max(1, to - from);
  const count = Math.min(MOST_BARS, Math.max(FEWEST_BARS, Math.round(length / BAR_MILLISECONDS)));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the revision says that the marks have changed.
  const { bars, idle, marks } = useMemo(
    () => ({
      bars: binsOf(source.marks.activity, from, to, count),
      idle: source.marks.idle(to),
      marks: thinned(source.marks.marks),
    }),
    [source, from, to, count, revision],
  );
  const most = Math.max(1, ...bars);
  const share = (timestamp: number) => (100 * (timestamp - from)) / length;
  return (
    <div className="picture-of-time" aria-hidden="true">
      {idle.map((gap) => (
        <span
          key={gap.from}
          className="idle"
          style={{ left: `${share(gap.from)}%`, width: `${share(gap.to) - share(gap.from)}%` }}
        />
      ))}
      <svg viewBox={`0 0 ${count} 100`} preserveAspectRatio="none" aria-hidden="true">
        <path d={bars.map((height, index) => bar(index, height / most)).join('')} />
      </svg>
      {marks.map((mark) => (
        <span
          key={`${mark.kind} ${mark.timestamp} ${mark.label}`}
          className={`mark ${mark.kind}`}
          style={{ left: `${share(mark.timestamp)}%` }}
          title={`${texts[mark.kind]} ${mark.label}`}
        />
      ))}
    </div>
  );
});

function bar(index: number, height: number): string {
  if (!height) return '';
  const top = 100 - Math.max(8, 100 * Math.sqrt(height));
  return `M${index + 0.15} 100V${top}h.7V100z`;
}

const RARE = new Set(['error', 'rageClick', 'deadClick', 'page', 'customEvent']);

/** Return no more marks than can be told apart, the rare kinds first. */
function thinned(marks: Mark[]): Mark[] {
  if (marks.length <= MOST_MARKS) return unique(marks);
  const rare = marks.filter((mark) => RARE.has(mark.kind));
  const every = Math.ceil(marks.length / MOST_MARKS);
  const common = marks.filter((mark, index) => !RARE.has(mark.kind) && index % every === 0);
  return unique([...common, ...rare.slice(0, 2 * MOST_MARKS)]);
}

function unique(marks: Mark[]): Mark[] {
  const seen = new Map(marks.map((mark) => [`${mark.kind} ${mark.timestamp} ${mark.label}`, mark]));
  return [...seen.values()];
}
