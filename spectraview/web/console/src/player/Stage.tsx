/** Where the recorded page is drawn, as large as there is room. */

import { type RefObject, useEffect, useRef, useState } from 'react';
import { useTexts } from '../i18n/texts';
import type { SessionSource } from '../session/source';
import { megabytes } from '../ui/format';
import { useObserved } from '../ui/observable';
import type { Player } from './player';
import type { Size } from './screen';

interface Props {
  watching: { source: SessionSource; player: Player } | null;
  screen: RefObject<HTMLDivElement | null>;
}

export function Stage({ watching, screen }: Props) {
  const texts = useTexts().session;
  const stage = useRef<HTMLDivElement>(null);
  const room = useRoom(stage);
  const [size, setSize] = useState<Size | null>(null);

  useEffect(() => {
    if (!watching) return;
    const { player } = watching;
    return player.subscribe(() => setSize(player.state.size));
  }, [watching]);

  const scale =
    size && room ? Math.min(room.width / size.width, room.height / size.height, 1.5) : 1;
  const frame = size && { width: size.width * scale, height: size.height * scale };
  return (
    <div ref={stage} className="stage">
      <div
        className="picture"
        style={frame ?? undefined}
        role="img"
        aria-label={texts.recordedPage}
      >
        {/* rrweb draws in here; React leaves its content alone. */}
        <div ref={screen} className="screen" style={{ transform: `scale(${scale})` }} />
      </div>
      {watching && <Curtain {...watching} />}
    </div>
  );
}

function useRoom(stage: RefObject<HTMLDivElement | null>): Size | null {
  const [room, setRoom] = useState<Size | null>(null);
  useEffect(() => {
    if (!stage.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setRoom({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(stage.current);
    return () => observer.disconnect();
  }, [stage]);
  return room;
}

/** What is said while there is nothing to see. */
function Curtain({ source, player }: { source: SessionSource; player: Player }) {
  const texts = useTexts();
  const { phase, failure, isLive, loadedBytes, totalBytes } = useObserved(source);
  const { status } = useObserved(player);
  if (phase === 'failed' || status === 'failed') {
    const told =
      failure?.status === 404
        ? texts.session.notFound
        : failure?.status === 401 || failure?.status === 403
          ? texts.session.forbidden
          : texts.session.failed;
    return (
      <div className="curtain" role="alert">
        <p>{told}</p>
        <button type="button" onClick={() => location.reload()}>
          {texts.session.retry}
        </button>
      </div>
    );
  }
  if (status === 'empty')
    return (
      <div className="curtain" role="status">
        <p>{isLive ? texts.session.waiting : texts.session.empty}</p>
      </div>
    );
  if (status !== 'loading') return null;
  const loaded = megabytes(loadedBytes, texts.locale);
  return (
    <div className="curtain loading" role="status">
      <p>{texts.session.loading}</p>
      {totalBytes > 0 && (
        <>
          <progress max={totalBytes} value={loadedBytes} aria-label={texts.session.loading} />
          <p className="small">
            {texts.session.loaded(loaded, megabytes(totalBytes, texts.locale))}
          </p>
        </>
      )}
    </div>
  );
}
