/** One session of the list. */

import type { ListedSession } from '../api/models';
import { useTexts } from '../i18n/texts';
import { ago, clock, dateOf, moment, shortAddress } from '../ui/format';
import { Icon, type IconName } from '../ui/icons';
import { addressOfSession } from '../ui/route';
import type { ActivityReader } from './activity';
import { useGlance } from './glance';
import { Sparkline } from './Sparkline';

interface Props {
  session: ListedSession;
  now: number;
  reader: ActivityReader;
}

export function SessionRow({ session, now, reader }: Props) {
  const texts = useTexts();
  const started = dateOf(session.startTime);
  const [place, glance] = useGlance<HTMLTableRowElement>(session, reader);
  const page = session.url ?? glance?.page;
  return (
    <tr ref={place}>
      <td className="who">
        <a href={addressOfSession(session.sessionId)}>
          {session.userId ?? <span className="muted">{texts.list.anonymous}</span>}
        </a>
        {session.live && <span className="live-badge">{texts.session.live}</span>}
        <span className="app">{session.appId}</span>
      </td>
      <td className="page" title={page ?? undefined}>
        {page ? shortAddress(page) : <span className="muted">{session.sessionId.slice(0, 8)}</span>}
      </td>
      <td className="ticket">
        {session.ticketId && <span className="tag">{session.ticketId}</span>}
      </td>
      <td className="started">
        <time dateTime={started.toISOString()} title={moment(started, texts.locale)}>
          {ago(started, texts.locale, now)}
        </time>
      </td>
      <td className="duration">{clock(session.duration * 1000)}</td>
      <td className="activity">
        {glance && <Sparkline counts={glance.counts} label={texts.list.activityOf} />}
      </td>
      <td className="signals">
        <Signals session={session} />
      </td>
    </tr>
  );
}

function Signals({ session }: { session: ListedSession }) {
  const texts = useTexts().list;
  const { errorCount, rageClickCount = 0, deadClickCount = 0 } = session;
  return (
    <>
      <Signal icon="error" count={errorCount} label={texts.errorCount(errorCount)} />
      <Signal icon="rageClick" count={rageClickCount} label={texts.rageCount(rageClickCount)} />
      <Signal icon="deadClick" count={deadClickCount} label={texts.deadCount(deadClickCount)} />
    </>
  );
}

function Signal({ icon, count, label }: { icon: IconName; count: number; label: string }) {
  if (!count) return null;
  return (
    <span className={`signal ${icon}`} title={label}>
      <Icon name={icon} />
      <span aria-hidden="true">{count}</span>
      <span className="hidden">{label}</span>
    </span>
  );
}
