/** The shared worker: the one place in which all tabs of this server have their streams, over one connection. */

import { createParser } from "../vendor/eventsource-parser.js";
import { browserEnvironment } from "./lib/environment.js";
import { Hub } from "./lib/hub.js";
import { HubService } from "./lib/hub-service.js";

const environment = browserEnvironment(createParser);
const service = new HubService(new Hub(environment), environment.clock);

globalThis.onconnect = ({ ports }) => service.attach(ports[0]);
