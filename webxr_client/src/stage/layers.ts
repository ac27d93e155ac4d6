/**
 * Who sees what. 0 is for everybody; WebXR keeps 1 and 2 for the left and the right eye.
 */
export const EVERYBODY = 0
/** Seen in mirrors only: the own head, and marks that a mirror turns the right way round. */
export const MIRRORED = 3
/** Seen directly only: what a mirror must not show. */
export const DIRECT = 4
