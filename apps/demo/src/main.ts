import './style/page.css';
import './style/explore.css';
import './style/conformance.css';
import './style/train.css';
import './style/serve.css';
import { conformanceRoom } from './conformance/conformance-room.ts';
import { exploreRoom } from './explore/explore-room.ts';
import { frame } from './page/frame.ts';
import { pageGpu } from './page/page-gpu.ts';
import { serveRoom } from './serve/serve-room.ts';
import { trainRoom } from './train/train-room.ts';

frame([exploreRoom, trainRoom, serveRoom, conformanceRoom]);
void pageGpu();
