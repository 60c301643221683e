/** A session's activity as a small picture. */

import { rebin } from '../ui/bins';

const BARS = 32;

interface Props {
  counts: number[];
  label: string;
}

export function Sparkline({ counts, label }: Props) {
  return (
    <span className="sparkline">
      <Bars counts={rebin(counts, BARS)} label={label} />
    </span>
  );
}

function Bars({ counts, label }: Props) {
  const most = Math.max(1, ...counts);
  return (
    <svg viewBox={`0 0 ${BARS * 3} 20`} role="img" aria-label={label} preserveAspectRatio="none">
      {counts.map((count, index) => {
        const height = count ? Math.max(2, 20 * Math.sqrt(count / most)) : 1;
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place.
            key={index}
            className={count ? 'on' : ''}
            x={index * 3}
            y={20 - height}
            width="2"
            height={height}
          />
        );
      })}
    </svg>
  );
}
