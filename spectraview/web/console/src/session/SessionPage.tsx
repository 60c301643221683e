/** The page of one session: the recorded page, its timeline, and what is known of it. */

import { useEffect, useRef, useState } from 'react';
import type { ApiClient } from '../api/client';
import { useTexts } from '../i18n/texts';
import { Panels } from '../panels/Panels';
import { Controls } from '../player/Controls';
import { useKeys } from '../player/keys';
import { Player } from '../player/player';
import { Stage } from '../player/Stage';
import { Timeline } from '../player/Timeline';
import { useObserved } from '../ui/observable';
import { SessionHead } from './SessionHead';
import { SessionSource } from './source';

interface Props {
  client: ApiClient;
  sessionId: string;
  offset: number | null;
}

interface Watching {
  source: SessionSource;
  player: Player;
}

export function SessionPage({ client, sessionId, offset }: Props) {
  const texts = useTexts();
  const screen = useRef<HTMLDivElement>(null);
  const [watching, setWatching] = useState<Watching | null>(null);

  useEffect(() => {
    if (!screen.current) return;
    const source = new SessionSource(client, sessionId);
    const player = new Player(screen.current, source);
    setWatching({ source, player });
    void source.start();
    return () => {
      player.stop();
      source.stop();
    };
  }, [client, sessionId]);

  return (
    <main id="content" className="session-page">
      {watching && <SessionHead source={watching.source} player={watching.player} />}
      <div className="session-body">
        <section className="player" aria-label={texts.player.controls}>
          <Stage watching={watching} screen={screen} />
          {watching && <Watched {...watching} offset={offset} />}
        </section>
        {watching && <Panels {...watching} />}
      </div>
    </main>
  );
}

/** The controls, which exist once there is something to control. */
function Watched({ source, player, offset }: Watching & { offset: number | null }) {
  const { phase, isLive } = useObserved(source);
  const { status, isFollowing } = useObserved(player);
  const hasBegun = useRef(false);
  useKeys(player);
  useEffect(() => {
    const canBegin = phase === 'ready' || (isLive && offset === null);
    if (hasBegun.current || !canBegin) return;
    hasBegun.current = true;
    void player.begin(offset);
  }, [phase, isLive, offset, player]);
  return (
    <div className="transport" data-status={status} data-following={isFollowing}>
      <Timeline source={source} player={player} />
      <Controls source={source} player={player} />
    </div>
  );
}
