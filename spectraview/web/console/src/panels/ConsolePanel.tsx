/** The page's console, as rrweb's plugin has recorded it. */

import { useTexts } from '../i18n/texts';
import type { PanelProps } from './Panels';
import { Rows } from './Rows';

const LEVELS: Record<string, string> = { error: 'error', assert: 'error', warn: 'warning' };

export function ConsolePanel({ source, player }: PanelProps) {
  const texts = useTexts().panels;
  const rows = source.marks.console.map((line) => ({
    key: String(line.sequence),
    timestamp: line.timestamp,
    kind: `line ${LEVELS[line.level] ?? 'info'}`,
    title: (
      <>
        <span className="level">{line.level}</span> <code>{line.text}</code>
      </>
    ),
  }));
  return <Rows rows={rows} none={texts.none.console} source={source} player={player} />;
}
