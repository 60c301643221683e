/** The player's buttons. */

import { useTexts } from '../i18n/texts';
import type { SessionSource } from '../session/source';
import { clock } from '../ui/format';
import { Icon, type IconName } from '../ui/icons';
import { useObserved } from '../ui/observable';
import { toggleFullscreen } from './keys';
import { type Player, SPEEDS } from './player';

interface Props {
  source: SessionSource;
  player: Player;
}

const NEAR = 2500;

export function Controls({ source, player }: Props) {
  const texts = useTexts().player;
  const { start, end, isLive } = useObserved(source);
  const { status, time, speed, skipsInactivity, isFollowing } = useObserved(player);
  const isPlaying = status === 'playing';
  const last = isLive ? source.edge() : (end ?? 0);
  const main = status === 'ended' ? 'replay' : isPlaying ? 'pause' : 'play';
  return (
    <div className="controls">
      <Button icon="back" label={texts.back} onClick={() => player.seekBy(-5000)} />
      <Button icon={main} label={texts[main]} onClick={() => player.toggle()} className="main" />
      <Button icon="forward" label={texts.forward} onClick={() => player.seekBy(5000)} />
      <span className="time">
        {clock(start === null ? 0 : time - start)}
        <span className="muted"> / {clock(start === null ? 0 : last - start)}</span>
      </span>
      {isLive && <Live player={player} behind={last - time} isFollowing={isFollowing} />}
      <span className="spring" />
      <label className="check skip-idle">
        <input
          type="checkbox"
          checked={skipsInactivity}
          onChange={(event) => player.setSkipsInactivity(event.target.checked)}
        />
        {texts.skip}
      </label>
      <select
        aria-label={texts.speed}
        value={speed}
        onChange={(event) => player.setSpeed(Number(event.target.value))}
      >
        {SPEEDS.map((value) => (
          <option key={value} value={value}>
            {value}×
          </option>
        ))}
      </select>
      <Button icon="fullscreen" label={texts.fullscreen} onClick={toggleFullscreen} />
    </div>
  );
}

interface LiveProps {
  player: Player;
  behind: number;
  isFollowing: boolean;
}

function Live({ player, behind, isFollowing }: LiveProps) {
  const texts = useTexts().session;
  if (isFollowing) {
    return (
      <span className="following">
        <span className="live-badge">{texts.live}</span>
        <span className="muted small">{texts.lag((Math.max(0, behind) / 1000).toFixed(1))}</span>
      </span>
    );
  }
  return (
    <button type="button" className="go-live" onClick={() => void player.goLive()}>
      {texts.goLive}
      {behind > NEAR && <span className="small"> · {texts.behind(clock(behind))}</span>}
    </button>
  );
}

interface ButtonProps {
  icon: IconName;
  label: string;
  onClick: () => void;
  className?: string;
}

function Button({ icon, label, onClick, className = '' }: ButtonProps) {
  return (
    <button
      type="button"
      className={`round ${className}`}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
