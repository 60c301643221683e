/** Who is watched, whether it is live, and the link to share. */

import { useEffect, useState } from 'react';
import { useTexts } from '../i18n/texts';
import type { Player } from '../player/player';
import { Icon } from '../ui/icons';
import { useObserved } from '../ui/observable';
import { addressOfSession } from '../ui/route';
import type { SessionSource } from './source';

interface Props {
  source: SessionSource;
  player: Player;
}

export function SessionHead({ source, player }: Props) {
  const texts = useTexts();
  const { session, isLive, viewers, connection, isDegraded } = useObserved(source);
  const user = session?.userId ?? texts.list.anonymous;
  useEffect(() => {
    document.title = session ? `${user} · ${texts.product}` : texts.product;
  }, [session, user, texts]);
  return (
    <div className="session-head">
      {source.client.access.kind === 'key' && (
        <a className="quiet" href="#/">
          <Icon name="left" />
          <span className="hidden">{texts.session.back}</span>
        </a>
      )}
      <h1>{session ? user : texts.product}</h1>
      {session && <span className="app">{session.appId}</span>}
      {session?.ticketId && <span className="tag">{session.ticketId}</span>}
      {session && isLive && <span className="live-badge">{texts.session.live}</span>}
      {session && !isLive && <span className="tag">{texts.session.ended}</span>}
      <span className="connection" role="status">
        {isLive && connection && connection !== 'live' && texts.session.connections[connection]}
        {connection === 'gone' && texts.session.connections.gone}
        {isLive && isDegraded && texts.session.degraded}
      </span>
      {isLive && viewers !== null && (
        <span className="viewers">
          <Icon name="viewers" /> {texts.session.viewers(viewers)}
        </span>
      )}
      <Share source={source} player={player} />
    </div>
  );
}

function Share({ source, player }: Props) {
  const texts = useTexts().session;
  const [told, setTold] = useState('');
  const [link, setLink] = useState('');
  const share = async () => {
    setTold(texts.sharing);
    setLink('');
    const offset = Math.max(0, Math.round(player.state.time - (source.state.start ?? 0)));
    const token = await source.client.shareToken(source.sessionId).catch(() => null);
    if (!token) return setTold(texts.shareFailed);
    const place: Record<string, string> = player.state.isFollowing ? {} : { t: String(offset) };
    const address = addressOfSession(source.sessionId, { ...place, token });
    const made = new URL(address, location.href).href;
    setLink(made);
    const isCopied = await copy(made);
    setTold(isCopied ? texts.shared : texts.shareManual);
  };
  return (
    <div className="share">
      <button type="button" onClick={share}>
        <Icon name="share" /> {texts.share}
      </button>
      <div role="status" className={told ? 'bubble' : 'hidden'}>
        {told}
        {link && <input aria-label={texts.share} readOnly value={link} />}
        {link && (
          <button type="button" className="link" onClick={() => [setTold(''), setLink('')]}>
            OK
          </button>
        )}
      </div>
    </div>
  );
}

/** The clipboard exists on https and localhost only. */
async function copy(text: string): Promise<boolean> {
  if (!navigator.clipboard) return false;
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}
