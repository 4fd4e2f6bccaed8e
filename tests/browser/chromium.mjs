// Drives Debian's Chromium for chromium.py: reads one command a line from standard input, and
// writes one answer a line. {"open": URL} shows a page; {"evaluate": JS} gives the value of an
// expression there, awaited where it is a promise. {"value": …} or {"error": TEXT} comes back, with
// the command's `id`.
// What the page says in its console goes to standard error.
//
// TALLYBUS_BROWSER_PACKAGES names the folder in which packages.py laid playwright-core.
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

const require = createRequire(process.env.TALLYBUS_BROWSER_PACKAGES + '/package.json');
const {chromium} = require('playwright-core');

// Playwright gives each launch a fresh profile and removes it. Nothing here may look outward.
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
});
const page = await browser.newPage();
page.on('console', message => console.error(`console ${message.type()}: ${message.text()}`));
page.on('pageerror', error => console.error(`page error: ${error}`));

async function carryOut({open, evaluate}) {
  if (open) return (await page.goto(open)).status();
  return await page.evaluate(evaluate);
}

const answer = object => process.stdout.write(JSON.stringify(object) + '\n');
answer({id: 0, value: browser.version()});
for await (const line of createInterface({input: process.stdin})) {
  const {id, ...command} = JSON.parse(line);
  await carryOut(command).then(value => answer({id, value: value ?? null}),
                               error => answer({id, error: String(error)}));
}
await browser.close();
