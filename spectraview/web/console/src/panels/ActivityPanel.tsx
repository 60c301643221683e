/** Everything that happened, in order. */

import { useTexts } from '../i18n/texts';
import { shortAddress } from '../ui/format';
import type { PanelProps } from './Panels';
import { Rows } from './Rows';

export function ActivityPanel({ source, player }: PanelProps) {
  const texts = useTexts();
  const rows = source.marks.marks.map((mark, index) => ({
    key: String(index),
    timestamp: mark.timestamp,
    kind: mark.kind,
    title: (
      <>
        <strong>{texts.marks[mark.kind]}</strong>{' '}
        <span className="muted">
          {mark.kind === 'page' ? shortAddress(mark.label) : mark.label}
        </span>
      </>
    ),
  }));
  return <Rows rows={rows} none={texts.panels.none.activity} source={source} player={player} />;
}
