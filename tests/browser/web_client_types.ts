// How a page in TypeScript uses the client; web_client_test.py has the compiler look at it.
import {connect, TallybusError, type Told} from '../../apps/web-client/tallybus-client.js';

const client = connect('ws://127.0.0.1:5580', {
  session: ['s1', 's2'], stream: 'cam-1', token: async () => 'shown', retry: {first: 1}, queue: 10,
});
const off: () => void = client.on('StreamStatusEvent', told => told.data.status?.length);
off();
client.on('snapshot', told => told.data.map(stream => stream.name));
client.on('state', state => state === 'waiting');
// @ts-expect-error: a gap has no data
client.on('gap', told => told.data);
// @ts-expect-error: a number is no session
connect('ws://127.0.0.1', {session: 3});
// @ts-expect-error: something must be watched, so there are options
connect('ws://127.0.0.1');

export async function read(): Promise<Told[]> {
  const all: Told[] = [];
  try {
    for await (const told of client) {
      all.push(told);
      if (told.kind === 'gap') console.log(told.missed === null);
    }
  } catch (error) {
    if (error instanceof TallybusError) console.log(error.code.toFixed(), error.reason.length);
  }
  return all;
}
