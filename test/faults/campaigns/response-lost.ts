// Every call lands, and its answer is lost: the connection is reset instead. The operator lives on, and does not know.
import type { Campaign } from './campaign.ts';
import { atEachCall } from './nth-call.ts';

export const responseLost: Campaign = {
  name: 'response-lost',
  series: (faultFree) => [
    atEachCall(faultFree, {
      prefix: '',
      what: 'without the answer to call',
      fault: () => ({ type: 'response-lost' }),
    }),
  ],
};
