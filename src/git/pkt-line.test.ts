import { expect, it } from 'vitest';
import { parseAdvert } from './advert.ts';
import { AnswerReader } from './answer-reader.ts';
import { PktLineError, pktLine, pktLines } from './pkt-line.ts';

/** Four bytes each: an answer within its limit of bytes could hold many millions. */
const empties = (count: number): Buffer => Buffer.from('0004'.repeat(count));
const TOO_MANY = 300_000;

it('an answer is read line by line, with marks between them', () => {
  const answer = Buffer.from(`${pktLine('one')}0001${pktLine('two')}0000`);
  expect([...pktLines(answer)].map(String)).toEqual(['one\n', 'delimiter', 'two\n', 'flush']);
  expect(() => [...pktLines(answer.subarray(0, 10))]).toThrow(PktLineError);
});

it('an answer of too many lines is not read to its end', async () => {
  expect([...pktLines(empties(1_000))]).toHaveLength(1_000);
  expect(() => [...pktLines(empties(TOO_MANY))]).toThrow('more than 250000 lines');
  expect(() => parseAdvert(empties(TOO_MANY), 'https://git.test/a', 10)).toThrow(PktLineError);
  const reader = new AnswerReader('ssh://git@git.test/a');
  const answer = reader.read('flush', 2 ** 30);
  reader.push(empties(TOO_MANY));
  await expect(answer).rejects.toThrow(PktLineError);
});

it('what comes before anyone asks is kept up to a limit, each time anew', async () => {
  const reader = new AnswerReader('ssh://git@git.test/a');
  const lines = `fff0${'x'.repeat(0xfff0 - 4)}`.repeat(10);
  const early = Buffer.from(`${lines}0000`);
  for (let round = 0; round < 3; round += 1) {
    reader.push(early);
    await expect(reader.read('flush', 2 ** 20)).resolves.toHaveLength(early.length);
  }
  for (let round = 0; round < 2; round += 1) reader.push(Buffer.from(lines));
  await expect(reader.read('flush', 2 ** 30)).rejects.toMatchObject({ code: 'SOURCE_TOO_LARGE' });
});
