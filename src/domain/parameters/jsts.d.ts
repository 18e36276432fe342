/*
 * The little of jsts that the checks of geometries use. Its own declarations are generated from untyped code: arguments are `any`, and
 * some constructors are declared with the wrong number of them.
 */

declare module 'jsts/java/util/ArrayList.js' {
  export default class ArrayList<Item> {
    add(item: Item): boolean
  }
}

declare module 'jsts/org/locationtech/jts/geom/Coordinate.js' {
  export default class Coordinate {
    readonly x: number
    readonly y: number
    constructor(x: number, y: number)
  }
}

declare module 'jsts/org/locationtech/jts/geom/Geometry.js' {
  export default class Geometry {
    getGeometryType(): string
  }
}

declare module 'jsts/org/locationtech/jts/io/GeoJSONReader.js' {
  import type Geometry from 'jsts/org/locationtech/jts/geom/Geometry.js'

  export default class GeoJSONReader {
    read(geoJson: { readonly type: string; readonly coordinates: readonly unknown[] }): Geometry
  }
}

declare module 'jsts/org/locationtech/jts/operation/valid/IsValidOp.js' {
  import type Geometry from 'jsts/org/locationtech/jts/geom/Geometry.js'

  export default class IsValidOp {
    constructor(geometry: Geometry)
    isValid(): boolean
  }
}

declare module 'jsts/org/locationtech/jts/algorithm/Orientation.js' {
  import type Coordinate from 'jsts/org/locationtech/jts/geom/Coordinate.js'

  const Orientation: {
    /** 1 when `c` is on the left of the line from `a` to `b`, -1 on its right, 0 on it. */
    index(a: Coordinate, b: Coordinate, c: Coordinate): number
    isCCW(ring: readonly Coordinate[]): boolean
  }
  export default Orientation
}

declare module 'jsts/org/locationtech/jts/algorithm/RobustLineIntersector.js' {
  import type Coordinate from 'jsts/org/locationtech/jts/geom/Coordinate.js'

  export default class RobustLineIntersector {
    computeIntersection(a: Coordinate, b: Coordinate, c: Coordinate, d: Coordinate): void
    hasIntersection(): boolean
    /** The edges cross in the interior of both. */
    isProper(): boolean
    /** 2 when they lie on each other for a length. */
    getIntersectionNum(): number
    /** The common point; a corner itself when it is one. */
    getIntersection(index: 0): Coordinate
  }
}

declare module 'jsts/org/locationtech/jts/noding/BasicSegmentString.js' {
  import type Coordinate from 'jsts/org/locationtech/jts/geom/Coordinate.js'

  export default class BasicSegmentString {
    constructor(coordinates: readonly Coordinate[], data: number)
    getData(): number
  }
}

declare module 'jsts/org/locationtech/jts/noding/MCIndexNoder.js' {
  import type ArrayList from 'jsts/java/util/ArrayList.js'
  import type BasicSegmentString from 'jsts/org/locationtech/jts/noding/BasicSegmentString.js'

  export default class MCIndexNoder {
    constructor(intersector: {
      isDone(): boolean
      processIntersections(a: BasicSegmentString, i: number, b: BasicSegmentString, j: number): void
    })
    computeNodes(edges: ArrayList<BasicSegmentString>): void
  }
}
