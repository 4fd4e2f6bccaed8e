// What npm's official libraries say of requests: standard input holds a list of {headers, body,
// secret, cloudEvents}; standard output gets a list of {verified, events, error}.
import {createRequire} from "node:module";
import {readFileSync} from "node:fs";

const require = createRequire(process.argv[2] + "/");
const {Webhook} = require("standardwebhooks");
const {HTTP} = require("cloudevents");

function judge({headers, body, secret, cloudEvents}) {
  try {
    const verified = secret ? new Webhook(secret).verify(body, headers) : null;
    const taken = cloudEvents ? [HTTP.toEvent({headers, body})].flat() : [];
    return {verified, valid: taken.map(e => e.validate()), events: taken.map(e => e.toJSON())};
  } catch (error) {
    return {error: String(error)};
  }
}

console.log(JSON.stringify(JSON.parse(readFileSync(0)).map(judge)));
