// What the page draws avatars with: the studio's pictures show what a visitor sees.
export { Avatar } from '../../../webxr_client/src/avatar/avatar'
export { restFace } from '../../../webxr_client/src/motion/face'
export { softboxEnvironment } from '../../../webxr_client/src/stage/lights'
